"""Revisions of a request, rounds of delivery, and what differs between them; a licence's key kept secret."""

import io
import logging

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.actor import Party
from accounts.models import Account
from accounts.permissions import Role
from koogallery.kernel.errors import (
    FieldNotTaken,
    InvalidInput,
    InvalidTransition,
    NotFound,
    PermissionRefused,
    Throttled,
)
from koogallery.kernel.secrets import DOTS, Secret
from supervision import services
from supervision.choices import Action
from supervision.differences import Piece, differences
from supervision.evidence import evidence_of, with_evidence
from supervision.models import Delivery, FlowRecord, LicenseKey, RequestRevision, RequirementTemplate, ServiceFlow
from tests.api.conftest import buyer_api
from tests.factories import MembershipFactory, SellerMemberFactory, UserFactory, a_buyer, logged_in
from tests.supervision.conftest import assert_books_are_right
from tests.supervision.test_flow import a_file

pytestmark = pytest.mark.django_db

KEY = "KOO-7F3A-91BC-0042"


def read(one) -> ServiceFlow:
    return with_evidence(ServiceFlow.objects.all()).get(pk=one.flow.pk)


def as_buyer(one) -> Client:
    return logged_in(Account.objects.get(pk=one.buyer.account_id).memberships.get(role="owner").user)


@pytest.mark.parametrize(
    ("before", "after", "pieces"),
    [
        ("", "new", [Piece("added", "new")]),
        ("one two", "one two", [Piece("same", "one two")]),
        ("two tenants", "three tenants", [Piece("removed", "two"), Piece("added", "three"), Piece("same", " tenants")]),
        ("a\nb", "a\nc", [Piece("same", "a\n"), Piece("removed", "b"), Piece("added", "c")]),
        ("<b>", "", [Piece("removed", "<b>")]),
    ],
    ids=["from nothing", "the same", "a word", "a line", "to nothing"],
)
def test_differences_are_told_word_by_word(before, after, pieces):
    assert differences(before, after) == pieces


def test_revisions_are_kept_whole_with_their_files_and_their_difference(deal):
    one = deal(service=True)
    services.submit_request(one.flow, description="Move two tenants.", files=[a_file("a.pdf")], by=one.buyer)
    services.reject_request(one.flow, reason="Which?", by=one.seller)
    services.submit_request(
        one.flow, description="Move three tenants.", files=[a_file("b.pdf", b"%PDF-1.7 other\n%%EOF")], by=one.buyer
    )
    newest, first = evidence_of(read(one), Party.BUYER).requests
    assert (newest.number, newest.text, [file.name for file in newest.files]) == (2, "Move three tenants.", ["b.pdf"])
    assert (first.number, first.text, first.change) == (1, "Move two tenants.", None)
    assert newest.change.texts == [("", differences("Move two tenants.", "Move three tenants."))]
    assert (newest.change.files_added, newest.change.files_removed) == (["b.pdf"], ["a.pdf"])
    page = as_buyer(one).get(f"/my/supervision/{one.flow.order.number}/").content.decode()
    assert "<del>" in page
    assert ">two<" in page
    assert "<ins>" in page
    assert ">three<" in page


def test_rounds_are_numbered_and_compared(deal):
    one = deal()
    services.deliver(one.flow, note="Key by mail.", by=one.seller)
    services.reject_delivery(one.flow, reason="No mail came.", by=one.buyer)
    services.deliver(one.flow, note="Key in the file.", files=[a_file("key.pdf")], by=one.seller)
    newest, first = evidence_of(read(one), Party.SELLER).rounds
    assert (newest.number, first.number, first.refused.note) == (2, 1, "No mail came.")
    assert newest.change.since == 1
    assert newest.change.files_added == ["key.pdf"]
    page = as_buyer(one).get(f"/my/supervision/{one.flow.order.number}/").content.decode()
    assert "What changed since round 1" in page
    assert "No mail came." in page
    assert_books_are_right(one)


@pytest.mark.parametrize("model", [RequestRevision, Delivery])
def test_revisions_and_rounds_once_written_stay(deal, model):
    one = deal(service=True)
    services.submit_request(one.flow, description="Move our data.", by=one.buyer)
    services.confirm_request(one.flow, by=one.seller)
    services.deliver(one.flow, note="Done.", by=one.seller)
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.update(flow=one.flow)
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.all()._raw_delete("default")


def test_a_delivery_of_nothing_is_refused(deal):
    one = deal()
    for empty in ({}, {"note": "   "}, {"license_key": " "}, {"answers": {1: services.Answer()}}):
        with pytest.raises(InvalidInput, match="cannot be empty"):
            services.deliver(one.flow, by=one.seller, **empty)
    assert (one.now().rounds, Delivery.objects.count()) == (0, 0)


def test_a_key_alone_is_a_delivery_of_a_licence_and_of_nothing_else(deal):
    one = deal()
    services.deliver(one.flow, license_key=KEY, by=one.seller)
    assert one.now().rounds == 1
    other = deal(service=True)
    services.submit_request(other.flow, description="Move our data.", by=other.buyer)
    services.confirm_request(other.flow, by=other.seller)
    with pytest.raises(FieldNotTaken):
        services.deliver(other.flow, note="Done.", license_key=KEY, by=other.seller)


def test_a_key_is_encrypted_at_rest_and_stands_nowhere_else(deal, caplog):
    one = deal()
    with caplog.at_level(logging.DEBUG):
        services.deliver(one.flow, note="Your key.", license_key=KEY, by=one.seller)
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM supervision_licensekey")
        stored = cursor.fetchone()[0]
        assert KEY not in stored
        cursor.execute(
            "SELECT count(*) FROM supervision_flowrecord AS one WHERE one::text LIKE %s"
            " UNION ALL SELECT count(*) FROM supervision_delivery AS one WHERE one::text LIKE %s"
            " UNION ALL SELECT count(*) FROM kernel_outboxmessage AS one WHERE one::text LIKE %s",
            [f"%{KEY}%"] * 3,
        )
        assert [row[0] for row in cursor.fetchall()] == [0, 0, 0]
    kept = LicenseKey.objects.get()
    assert (str(kept.key), f"{kept.key!r}") == (DOTS, f"<Secret {DOTS}>")
    number = one.flow.order.number
    buyer, seller, operator = as_buyer(one), Client(), Client()
    seller.force_login(SellerMemberFactory(seller=one.flow.seller).user)
    operator.force_login(UserFactory(is_staff=True, is_superuser=True))
    shown = [
        buyer.get(f"/my/supervision/{number}/"), buyer.get(f"/my/supervision/{number}/key/1/"),
        seller.get(f"/seller/supervision/{number}/"), operator.get(f"/admin/supervision/delivery/{kept.delivery_id}/change/"),
        operator.get(f"/admin/supervision/serviceflow/{one.flow.pk}/change/"),
    ]  # fmt: skip
    assert [page.status_code for page in shown] == [200] * 5
    assert not any(KEY in page.content.decode() for page in shown)
    table = b"".join(buyer.get(f"/my/supervision/{number}/records.csv").streaming_content).decode()
    assert "Your key." in table
    assert KEY not in table
    assert KEY not in caplog.text


def test_the_buyer_has_the_key_shown_by_a_post_and_it_is_recorded(deal):
    one = deal()
    services.deliver(one.flow, license_key=KEY, by=one.seller)
    client, address = as_buyer(one), f"/my/supervision/{one.flow.order.number}/key/1/"
    assert KEY not in client.get(address).content.decode()
    assert not FlowRecord.objects.filter(action=Action.REVEAL_KEY).exists()
    answer = client.post(address)
    assert KEY in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    entry = FlowRecord.objects.get(action=Action.REVEAL_KEY)
    assert (entry.party, entry.from_status, entry.to_status) == ("buyer", one.now().status, one.now().status)
    services.accept_delivery(one.flow, by=one.buyer)
    assert services.reveal_license_key(one.flow, round=1, by=one.buyer) == KEY
    assert_books_are_right(one)


def test_others_do_not_get_the_key(deal, settings):
    one = deal()
    services.deliver(one.flow, license_key=KEY, by=one.seller)
    with pytest.raises(NotFound):
        services.reveal_license_key(one.flow, round=1, by=one.seller)
    with pytest.raises(InvalidTransition):
        services.reveal_license_key(one.flow, round=1, by=a_buyer())
    viewer = a_buyer(Role.VIEWER, Account.objects.get(pk=one.buyer.account_id))
    with pytest.raises(PermissionRefused):
        services.reveal_license_key(one.flow, round=1, by=viewer)
    settings.REVEALS_PER_HOUR = 1
    services.reveal_license_key(one.flow, round=1, by=one.buyer)
    with pytest.raises(Throttled):
        services.reveal_license_key(one.flow, round=1, by=one.buyer)
    assert FlowRecord.objects.filter(action=Action.REVEAL_KEY).count() == 1


def test_a_key_that_the_platform_holds_or_returned_does_not_reach_the_buyer(deal):
    one = deal(joint_operation=True)
    services.deliver(one.flow, license_key="FIRST", by=one.seller)
    with pytest.raises(NotFound):
        services.reveal_license_key(one.flow, round=1, by=one.buyer)
    services.return_delivery(one.flow, reason="Wrong edition.", by=one.operator)
    services.deliver(one.flow, license_key="SECOND", by=one.seller)
    services.approve_delivery(one.flow, by=one.operator)
    with pytest.raises(NotFound):
        services.reveal_license_key(one.flow, round=1, by=one.buyer)
    assert services.reveal_license_key(one.flow, round=2, by=one.buyer) == "SECOND"


def test_a_key_by_rest(deal):
    one = deal()
    services.deliver(one.flow, license_key=KEY, by=one.seller)
    api = buyer_api(account=Account.objects.get(pk=one.buyer.account_id), card=False)
    body = api.get(f"service-flows/{one.flow.public_id}/").json()
    assert body["deliveries"][0]["has_license_key"] is True
    assert KEY not in str(body)
    path = f"service-flows/{one.flow.public_id}/reveal-license-key/"
    assert api.post(path).json() == {"round": 1, "license_key": KEY}
    assert api.post(path, {"round": 2}).status_code == 404
    assert api.post(path, {"key": "1"}).status_code == 400


def test_requirement_templates_are_uploaded_by_operators_and_served_to_who_bought(deal):
    one = deal(service=True)
    operator = Client()
    operator.force_login(UserFactory(is_staff=True, is_superuser=True))
    form = {"product": one.flow.order.product_id, "upload": SimpleUploadedFile("Facts.pdf", b"%PDF-1.7\n%%EOF")}
    assert operator.post("/admin/supervision/requirementtemplate/add/", form).status_code == 302
    kept = RequirementTemplate.objects.get()
    client, number = as_buyer(one), one.flow.order.number
    page = client.get(f"/my/supervision/{number}/request/").content.decode()
    assert "Download requirement templates" in page
    assert "Facts.pdf" in page
    address = f"/my/supervision/{number}/templates/{kept.public_id}/"
    answer = client.get(address)
    assert b"".join(answer.streaming_content) == b"%PDF-1.7\n%%EOF"
    assert answer["Content-Disposition"] == 'attachment; filename="Facts.pdf"'
    stranger = Client()
    stranger.force_login(MembershipFactory().user)
    assert stranger.get(address).status_code == 404
    bad = {"product": one.flow.order.product_id, "upload": io.BytesIO(b"<svg>")}
    bad["upload"].name = "facts.png"
    assert operator.post("/admin/supervision/requirementtemplate/add/", bad).status_code == 200
    assert RequirementTemplate.objects.count() == 1


def test_secrets_are_read_with_older_keys_and_written_with_the_newest(settings):
    from cryptography.fernet import Fernet

    from koogallery.kernel.secrets import SecretUnreadable

    old = Secret.of(KEY)
    fresh = Fernet.generate_key().decode()
    settings.SECRETS_KEYS = [fresh, *settings.SECRETS_KEYS]
    assert old.reveal() == KEY
    renewed = old.with_newest_key()
    settings.SECRETS_KEYS = [fresh]
    assert renewed.reveal() == KEY
    with pytest.raises(SecretUnreadable):
        old.reveal()


def test_the_embedded_key_is_made_once(tmp_path):
    from koogallery.kernel.embedded import secrets_key

    first = secrets_key(tmp_path)
    assert secrets_key(tmp_path) == first
    assert (tmp_path / "secrets_key").stat().st_mode & 0o777 == 0o600
    assert len(list(tmp_path.iterdir())) == 1
    assert settings.SECRETS_KEYS
