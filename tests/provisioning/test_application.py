"""Application information from the seller's delivery to the buyer's log-in (guide 3.3)."""

import logging
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import Account, Reveal
from accounts.permissions import Role
from koogallery.kernel import clock
from koogallery.kernel.errors import FieldNotTaken, InvalidInput, NotFound, PermissionRefused, Throttled
from koogallery.kernel.secrets import DOTS
from orders.ports import ApplicationGiven, applications
from provisioning.models import Application, ApplicationPassword, Handover
from supervision import services
from supervision.choices import Action, Decision
from supervision.models import Delivery, FlowRecord
from supervision.services.silence import is_empty_delivery
from tests.factories import MembershipFactory, SellerMemberFactory, UserFactory, a_buyer, logged_in
from tests.provisioning.conftest import GIVEN, PASSWORD, app_of, owner_of, ready
from tests.supervision.conftest import assert_books_are_right, make_deal
from tests.supervision.test_flow import a_file

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}
NOT_YET = "The seller has not provided the application information yet."
ROWS = ("Application Information", "Username", "Password", "Management URL", "Frontend URL", "Product Guide")


def flow_page(deal) -> str:
    return f"/my/supervision/{deal.flow.order.number}/"


def app_page(deal) -> str:
    return f"/my/apps/{app_of(deal).public_id}/"


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_application_information_alone_is_a_delivery(deal):
    services.deliver(deal.flow, application=GIVEN, by=deal.seller)
    assert deal.now().rounds == 1
    assert Delivery.objects.get().application == 1
    assert_books_are_right(deal)


def test_application_information_alone_is_no_empty_delivery_for_acceptance_by_silence(delivered):
    assert not is_empty_delivery(delivered.now())


def test_nothing_but_blanks_is_still_empty(deal):
    with pytest.raises(InvalidInput, match="cannot be empty"):
        services.deliver(deal.flow, application=ApplicationGiven("  ", "", " "), by=deal.seller)


@pytest.mark.parametrize("traits", [{}, {"service": True}], ids=["a licence", "a professional service"])
def test_other_products_take_none(db, traits):
    one = make_deal(**traits)
    if traits:
        services.submit_request(one.flow, description="Move us.", by=one.buyer)
        services.confirm_request(one.flow, by=one.seller)
    with pytest.raises(FieldNotTaken):
        services.deliver(one.flow, note="Done.", application=GIVEN, by=one.seller)
    assert not Application.objects.exists()


def test_a_bad_address_changes_nothing(deal):
    with pytest.raises(InvalidInput) as refused:
        services.deliver(
            deal.flow, note="Ready.", application=ApplicationGiven("a", "p", "javascript:alert(1)"), by=deal.seller
        )
    assert list(refused.value.errors) == ["application_frontend_url"]
    assert (deal.now().rounds, Application.objects.count()) == (0, 0)


def test_the_database_refuses_an_address_of_another_scheme(delivered):
    row = Application.objects.values("subscription_id", "given_at").get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Application.objects.create(**row, version=2, frontend_url="javascript:1", password_changed=False, by="")


def test_the_buyer_reads_it_on_the_service_page_from_delivery_on(deal):
    client = logged_in(owner_of(deal))
    page = text_of(client, flow_page(deal))
    assert NOT_YET in page
    deal.flow.order.product.__class__.objects.update(guide_url="https://guide.example/")
    services.deliver(deal.flow, application=GIVEN, by=deal.seller)
    page = text_of(client, flow_page(deal))
    assert all(f"<dt>{label}</dt>" in page for label in ROWS[1:])
    assert 'href="https://admin.crm.example/?tenant=contoso"' in page
    assert 'href="https://guide.example/"' in page
    assert "admin@contoso" in page
    assert "Tr0ub4dor" not in page
    # Until the flow is complete the app itself is not listed and its page has no such block (RULES 1.1).
    assert 'id="application"' not in text_of(client, app_page(deal))


def test_the_app_page_has_the_guides_rows_after_completion(delivered):
    services.accept_delivery(delivered.flow, by=delivered.buyer)
    client = logged_in(owner_of(delivered))
    page = text_of(client, app_page(delivered))
    for label in (*ROWS[1:], "Specification Name", "Delivery Method", "Resource Status", "Billing Mode", "Purchased",
                  "Expires", "Remaining Time", "Auto-renewal", "Seller", "Phone Number", "Email Address"):  # fmt: skip
        assert f"<dt>{label}</dt>" in page, label
    for title in ("Application Information", "Basic Information", "Seller Information"):
        assert f"<h2>{title}</h2>" in page
    assert "30 days" in page
    assert "Help: Auto-renewal" in page
    assert "Tr0ub4dor" not in page
    assert "View Resource Details" in text_of(client, "/my/apps/")


def test_an_app_without_information_says_so(deal):
    services.deliver(deal.flow, note="By phone.", by=deal.seller)
    services.accept_delivery(deal.flow, by=deal.buyer)
    client = logged_in(owner_of(deal))
    assert NOT_YET in text_of(client, app_page(deal))
    assert client.post(f"{app_page(deal)}reveal/").status_code == 404


def test_it_is_encrypted_at_rest_and_stands_nowhere_else(deal, caplog):
    with caplog.at_level(logging.DEBUG):
        services.deliver(deal.flow, note="Ready.", application=GIVEN, by=deal.seller)
        services.reveal_application(deal.flow, by=deal.buyer)
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM provisioning_applicationpassword")
        assert cursor.fetchone()[0].startswith("gAAAA")
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
        )
        tables = [name for (name,) in cursor.fetchall()]
        assert "supervision_flowrecord" in tables
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM \"{table}\" AS one WHERE one::text LIKE '%%Tr0ub4dor%%'")
            assert cursor.fetchone()[0] == 0, table
    assert "Tr0ub4dor" not in caplog.text
    kept = ApplicationPassword.objects.get()
    assert (str(kept.password), f"{kept.password!r}") == (DOTS, f"<Secret {DOTS}>")
    number, buyer = deal.flow.order.number, logged_in(owner_of(deal))
    seller = logged_in(SellerMemberFactory(seller=deal.flow.seller).user)
    operator = logged_in(UserFactory(is_staff=True, is_superuser=True))
    shown = [
        buyer.get(flow_page(deal)), buyer.get(f"{flow_page(deal)}application/"), seller.get(f"/seller/supervision/{number}/"),
        operator.get(f"/admin/supervision/serviceflow/{deal.flow.pk}/change/"), operator.get("/admin/accounts/reveal/"),
        operator.get(f"/admin/orders/subscription/{app_of(deal).pk}/change/"),
    ]  # fmt: skip
    assert [page.status_code for page in shown] == [200, 200, 200, 200, 200, shown[5].status_code]
    assert not any("Tr0ub4dor" in page.content.decode() for page in shown)
    # Operators read neither: not the username, not the addresses.
    assert not any("admin@contoso" in page.content.decode() for page in shown[3:])
    for client, side in ((buyer, "my"), (seller, "seller")):
        table = b"".join(client.get(f"/{side}/supervision/{number}/records.csv").streaming_content).decode()
        assert "Application password shown" in table
        assert "Tr0ub4dor" not in table


def test_an_address_in_capitals_is_one(deal):
    services.deliver(deal.flow, application=ApplicationGiven(frontend_url="HTTPS://APP.EXAMPLE/"), by=deal.seller)
    assert Application.objects.get().frontend_url == "HTTPS://APP.EXAMPLE/"


@pytest.mark.parametrize("model", [Application, Handover, Reveal])
def test_versions_handovers_and_reveals_once_written_stay(delivered, model):
    services.reveal_application(delivered.flow, by=delivered.buyer)
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.update(**{model._meta.fields[1].attname: 1})
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.all()._raw_delete("default")


def test_the_platforms_review_holds_it_back(db):
    one = ready(joint_operation=True)
    services.deliver(one.flow, application=GIVEN, by=one.seller)
    buyer, app = logged_in(owner_of(one)), app_of(one)
    assert NOT_YET in text_of(buyer, flow_page(one))
    assert buyer.post(f"{flow_page(one)}application/").status_code == 404
    with pytest.raises(NotFound):
        services.reveal_application(one.flow, by=one.buyer)
    services.return_delivery(one.flow, reason="Wrong tenant.", by=one.operator)
    second = ApplicationGiven("admin2", "another", "https://two.example")
    services.deliver(one.flow, application=second, by=one.seller)
    # What is held does not leak through the comparison of the rounds either.
    page = text_of(buyer, flow_page(one))
    assert "two.example" not in page
    assert "admin@contoso" not in page
    operator = logged_in(UserFactory(is_staff=True, is_superuser=True))
    review = text_of(operator, f"/admin/supervision/platformreview/{one.flow.pk}/review/")
    assert "With application information, which only the customer sees." in review
    assert "two.example" not in review
    assert applications().shown([app]) == {}
    services.approve_delivery(one.flow, by=one.operator)
    assert services.reveal_application(one.flow, by=one.buyer).password == "another"
    assert applications().shown([app])[app.pk].username == "admin2"


def test_a_decision_for_the_buyer_hands_over_what_the_review_held(db, monkeypatch):
    one = ready(joint_operation=True)
    services.deliver(one.flow, application=GIVEN, by=one.seller)
    later = one.now().waiting_since + timedelta(days=6)
    flow = one.now()
    flow.buyer_rejections = 3
    flow.save()
    services.file_appeal(one.flow, reason="It takes too long.", by=one.buyer, at=later)
    services.decide_appeal(one.flow, decision=Decision.ACCEPT, reason="It runs.", by=one.operator, at=later)
    for side in (one.buyer, one.seller):
        services.waive_review(one.flow, by=side, at=later)
    assert services.reveal_application(one.flow, by=one.buyer, at=later).password == PASSWORD


def test_another_delivery_is_another_version_and_the_rounds_tell_what_changed(delivered):
    services.reject_delivery(delivered.flow, reason="Wrong address.", by=delivered.buyer)
    moved = ApplicationGiven(GIVEN.username, PASSWORD, "https://new.crm.example/", "")
    services.deliver(delivered.flow, note="Moved.", application=moved, by=delivered.seller)
    assert list(Application.objects.values_list("version", "password_changed")) == [(1, True), (2, False)]
    buyer = logged_in(owner_of(delivered))
    page = text_of(buyer, flow_page(delivered))
    assert "What changed since round 1" in page
    assert "new.crm.example" in page
    assert "another one" not in page
    services.reject_delivery(delivered.flow, reason="It was seen by others.", by=delivered.buyer)
    # Once given, it stays until something else is given.
    services.deliver(delivered.flow, note="We look into it.", by=delivered.seller)
    assert services.reveal_application(delivered.flow, by=delivered.buyer).password == PASSWORD
    services.reject_delivery(delivered.flow, reason="And?", by=delivered.buyer)
    fresh = ApplicationGiven(GIVEN.username, "fresh one", "https://new.crm.example/")
    services.deliver(delivered.flow, application=fresh, by=delivered.seller)
    page = text_of(buyer, flow_page(delivered))
    assert "another one" in page
    assert "fresh one" not in page
    assert services.reveal_application(delivered.flow, by=delivered.buyer).password == "fresh one"
    assert_books_are_right(delivered)


def test_the_buyer_has_it_shown_by_a_post_and_it_is_recorded(delivered):
    client, address = logged_in(owner_of(delivered)), f"{flow_page(delivered)}application/"
    asked = client.get(address)
    assert "Show password" in asked.content.decode()
    assert not Reveal.objects.exists()
    answer = client.post(address, REMOTE_ADDR="192.0.2.7")
    page = answer.content.decode()
    assert "Tr0ub4dor &amp;  &lt;three&gt;" in page
    assert "no-store" in answer["Cache-Control"]
    seen = Reveal.objects.get()
    assert (seen.user, seen.account_id, seen.address) == (owner_of(delivered), delivered.buyer.account_id, "192.0.2.7")
    assert (seen.what, seen.of) == ("Application password 1", f"subscription {app_of(delivered).public_id}")
    entry = FlowRecord.objects.get(action=Action.REVEAL_PASSWORD)
    assert (entry.party, entry.from_status, entry.to_status) == (
        "buyer",
        delivered.now().status,
        delivered.now().status,
    )
    by_script = client.post(address, headers=JSON)
    assert by_script.json() == {"value": PASSWORD}
    assert "no-store" in by_script["Cache-Control"]
    # After the end the flow's story is closed; who has seen it is still recorded.
    services.accept_delivery(delivered.flow, by=delivered.buyer)
    assert client.post(f"{app_page(delivered)}reveal/", headers=JSON).json() == {"value": PASSWORD}
    assert (Reveal.objects.count(), FlowRecord.objects.filter(action=Action.REVEAL_PASSWORD).count()) == (3, 2)
    assert_books_are_right(delivered)


def test_a_form_without_its_token_shows_nothing(delivered):
    client = Client(enforce_csrf_checks=True)
    client.cookies = logged_in(owner_of(delivered)).cookies
    assert client.post(f"{flow_page(delivered)}application/").status_code == 403
    assert not Reveal.objects.exists()


@pytest.mark.parametrize("where", ["the service", "the app"])
def test_it_asks_for_a_recent_log_in(delivered, where):
    user = owner_of(delivered)
    user.set_password("correct-horse-battery")
    user.save()
    if where == "the app":
        services.accept_delivery(delivered.flow, by=delivered.buyer)
    address = f"{flow_page(delivered)}application/" if where == "the service" else f"{app_page(delivered)}reveal/"
    client = logged_in(user, ago=timedelta(minutes=15, seconds=1))
    answer = client.post(address)
    assert (answer.status_code, answer["Location"]) == (
        302,
        f"/account/reauthenticate/?next={address.replace('/', '%2F')}",
    )
    by_script = client.post(address, headers=JSON)
    assert (by_script.status_code, by_script.json()["code"]) == (403, "recent_login_required")
    assert by_script.json()["confirm"] == "/account/reauthenticate/"
    assert not Reveal.objects.exists()
    form = {"password": "wrong", "next": address}
    assert client.post("/account/reauthenticate/", form).status_code != 302
    assert client.post(address).status_code == 302
    back = client.post("/account/reauthenticate/", form | {"password": "correct-horse-battery"})
    assert (back.status_code, back["Location"]) == (302, address)
    assert client.post(address, headers=JSON).json() == {"value": PASSWORD}
    assert logged_in(user, ago=timedelta(minutes=14)).post(address, headers=JSON).status_code == 200


def test_it_is_throttled_for_a_person_whatever_he_asks_for(delivered, settings):
    settings.REVEALS_PER_HOUR = 2
    user = owner_of(delivered)
    client, address = logged_in(user), f"{flow_page(delivered)}application/"
    licence = make_deal()
    services.deliver(licence.flow, license_key="K-1", by=licence.seller)
    MembershipFactory(account=Account.objects.get(pk=licence.buyer.account_id), user=user)
    assert client.post(address, headers=JSON).status_code == 200
    at, actor = clock.now(), delivered.buyer
    same_person = actor.__class__(
        **{name: getattr(actor, name) for name in actor.__slots__} | {"account_id": licence.buyer.account_id}
    )
    assert services.reveal_license_key(licence.flow, round=1, by=same_person) == "K-1"
    refused = client.post(address, headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert 3500 < int(refused["Retry-After"]) <= 3600
    page = client.post(address)
    assert page.status_code == 429
    assert "Passwords and keys can be shown 2 times an hour. Try again in 60 min." in page.content.decode()
    with pytest.raises(Throttled):
        services.reveal_license_key(licence.flow, round=1, by=same_person)
    # Others of the account, and the same person an hour later, are not held up.
    colleague = a_buyer(Role.PURCHASER, Account.objects.get(pk=actor.account_id))
    assert services.reveal_application(delivered.flow, by=colleague).password == PASSWORD
    assert (
        services.reveal_application(delivered.flow, by=actor, at=at + timedelta(hours=1, seconds=1)).password
        == PASSWORD
    )


def test_who_may_not(delivered):
    account = Account.objects.get(pk=delivered.buyer.account_id)
    for role in (Role.VIEWER, Role.FINANCE):
        member = MembershipFactory(account=account, role=role).user
        client = logged_in(member)
        assert client.post(f"{flow_page(delivered)}application/").status_code == 403
        assert client.post(f"{app_page(delivered)}reveal/").status_code == 403
        page = text_of(client, flow_page(delivered))
        assert "admin@contoso" in page
        assert "data-reveal" not in page
    stranger = logged_in(MembershipFactory().user)
    assert stranger.post(f"{flow_page(delivered)}application/").status_code == 404
    assert stranger.post(f"{app_page(delivered)}reveal/").status_code == 404
    with pytest.raises(NotFound):
        services.reveal_application(delivered.flow, by=delivered.seller)
    viewer = a_buyer(Role.VIEWER, account)
    with pytest.raises(PermissionRefused):
        applications().reveal(app_of(delivered), by=viewer, at=clock.now())
    with pytest.raises(NotFound):
        applications().reveal(app_of(delivered), by=a_buyer(), at=clock.now())
    assert not Reveal.objects.exists()


def test_the_seller_gives_it_in_the_portal_and_never_reads_the_password_again(deal):
    seller = logged_in(SellerMemberFactory(seller=deal.flow.seller).user)
    address = f"/seller/supervision/{deal.flow.order.number}/deliver/"
    form = text_of(seller, address)
    for label in ("Username", "Password", "Management URL", "Frontend URL"):
        assert f">{label} <span" in form, label
    bad = {"application_username": "admin", "application_password": PASSWORD, "application_frontend_url": "ftp://a"}
    refused = seller.post(address, bad)
    page = refused.content.decode()
    assert refused.status_code == 422
    assert "Enter a full address that begins with https:// or http://." in page
    assert 'value="admin"' in page
    assert "Tr0ub4dor" not in page
    assert seller.post(address, bad | {"application_frontend_url": "https://a.example"}).status_code == 302
    page = text_of(seller, f"/seller/supervision/{deal.flow.order.number}/")
    assert "Given; only the customer can have it shown." in page
    assert "https://a.example" in page
    assert "data-reveal" not in page
    assert "Tr0ub4dor" not in page
    assert services.reveal_application(deal.flow, by=deal.buyer).password == PASSWORD


def test_forms_of_other_products_have_no_such_fields(db):
    one = make_deal()
    seller = logged_in(SellerMemberFactory(seller=one.flow.seller).user)
    assert "application_" not in text_of(seller, f"/seller/supervision/{one.flow.order.number}/deliver/")
    assert a_file()
