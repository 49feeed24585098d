"""Registering, logging in, settings, switching, keys."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from accounts.models import Account, ApiKey, Membership, User, hash_key
from accounts.permissions import Role
from tests.factories import AccountFactory, MembershipFactory, SellerMemberFactory, UserFactory, logged_in

pytestmark = pytest.mark.django_db

FORM = {
    "full_name": "Mara Okafor",
    "company": "Contoso",
    "email": "Mara@Contoso.example",
    "password1": "correct-horse-battery",
    "password2": "correct-horse-battery",
}


def test_registering_makes_a_person_and_his_account(client):
    response = client.post("/account/signup/", FORM)
    assert response.status_code == 302, response.context["form"].errors
    user = User.objects.get()
    assert (user.email, user.full_name) == ("mara@contoso.example", "Mara Okafor")
    assert Membership.objects.get(user=user).role == Role.OWNER
    assert Account.objects.get().name == "Contoso"
    assert client.get("/account/settings/").status_code == 200


def test_registering_a_known_address_tells_nothing_and_makes_nobody(client):
    UserFactory(email="mara@contoso.example")
    response = client.post("/account/signup/", FORM)
    assert User.objects.count() == 1
    assert not Account.objects.exists()
    assert response.status_code in (200, 302)


@pytest.mark.parametrize(("name", "status"), [("a\x00b", 400), ("\u202egnp", 200)], ids=["NUL", "direction"])
def test_a_name_with_hidden_characters_is_refused(client, name, status):
    """No keyboard writes a NUL: that is no form to be shown again."""
    response = client.post("/account/signup/", FORM | {"full_name": name})
    assert response.status_code == status
    assert not User.objects.exists()


def test_logging_in_by_password(client):
    UserFactory(email="mara@contoso.example", password="correct-horse-battery")
    wrong = client.post("/account/login/", {"login": "mara@contoso.example", "password": "wrong-horse-battery"})
    assert wrong.status_code == 200
    right = client.post("/account/login/", {"login": "Mara@contoso.example", "password": "correct-horse-battery"})
    assert right.status_code == 302


def test_a_person_switches_between_accounts_but_not_to_others(client):
    member = MembershipFactory()
    second = MembershipFactory(user=member.user, role=Role.VIEWER)
    foreign = AccountFactory()
    client.force_login(member.user)
    assert client.get("/my/apps/").wsgi_request.account == member.account
    client.post("/account/switch/", {"account": second.account.public_id})
    assert client.get("/my/apps/").wsgi_request.account == second.account
    client.post("/account/switch/", {"account": foreign.public_id})
    assert client.get("/my/apps/").wsgi_request.account == second.account


def test_a_key_is_shown_once_and_only_its_hash_is_kept(client):
    member = MembershipFactory()
    client.force_login(member.user)
    page = client.post("/account/api-keys/", {"name": "CI", "acts_for": f"account:{member.account.public_id}"})
    secret = page.context["secret"]
    assert secret.encode() in page.content
    key = ApiKey.objects.get()
    assert key.key_hash == hash_key(secret)
    assert secret.encode() not in client.get("/account/api-keys/").content
    client.post(f"/account/api-keys/{key.pk}/revoke/")
    assert not ApiKey.objects.usable().exists()


def test_a_key_cannot_be_made_for_others(client):
    member, foreign = MembershipFactory(), AccountFactory()
    client.force_login(member.user)
    page = client.post("/account/api-keys/", {"name": "CI", "acts_for": f"account:{foreign.public_id}"})
    assert page.status_code == 422
    assert not ApiKey.objects.exists()


def test_somebody_elses_key_cannot_be_revoked(client):
    key = ApiKey.objects.create(
        user=(owner := MembershipFactory()).user, account=owner.account, name="x", prefix="kg_x", key_hash="0" * 64
    )
    client.force_login(MembershipFactory().user)
    assert client.post(f"/account/api-keys/{key.pk}/revoke/").status_code == 404
    assert ApiKey.objects.usable().get() == key


def test_a_key_dies_with_the_membership():
    member = MembershipFactory()
    ApiKey.objects.create(user=member.user, account=member.account, name="x", prefix="kg_x", key_hash="0" * 64)
    member.delete()
    assert not ApiKey.objects.usable().exists()


def test_the_command_prints_nothing_but_the_key(capsys):
    member = MembershipFactory()
    call_command("create_api_key", member.user.email)
    printed = capsys.readouterr().out
    assert ApiKey.objects.get().key_hash == hash_key(printed.strip())
    selling = SellerMemberFactory()
    call_command("create_api_key", selling.user.email, seller=selling.seller.slug)
    with pytest.raises(CommandError, match="nobody"):
        call_command("create_api_key", "nobody@example.com")
    with pytest.raises(CommandError, match="does not work"):
        call_command("create_api_key", member.user.email, seller=selling.seller.slug)


def test_the_foot_of_a_page_says_what_the_account_pays_in(client):
    assert "All prices in USD" in client.get("/help/").content.decode()
    for currency, told in (("USD", "All prices in USD"), ("KRW", "Your account pays in KRW; list prices in USD")):
        member = MembershipFactory(account__currency=currency)
        page = logged_in(member.user).get("/billing/").content.decode()
        assert (told in page, f"EN · {currency}" in page) == (True, True)


def test_operators_are_told_in_words_that_an_address_is_taken(admin_client):
    first, second = UserFactory(), UserFactory()
    for user in (first, second):
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    add = "/admin/account/emailaddress/add/"
    refused = admin_client.post(add, {"user": second.pk, "email": first.email, "verified": "on", "primary": "on"})
    assert refused.context["adminform"].form.errors == {
        "primary": ["The person has a primary address already."],
        "email": ["Somebody has verified this address already."],
    }
    assert admin_client.post(add, {"user": second.pk, "email": "b@demo.example"}).status_code == 302
    factor = Authenticator.objects.create(user=first, type="totp", data={"secret": "sealed-secret"})
    shown = admin_client.get(f"/admin/mfa/authenticator/{factor.pk}/change/")
    assert (shown.status_code, "sealed-secret" in shown.content.decode()) == (200, False)
