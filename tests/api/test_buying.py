"""Buying with money rules by REST: coupons, discounts, taxes, combined payments, resellers, statements (API.md)."""

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Account, ApiKey, Reseller, hash_key
from billing.gateways.sandbox import SandboxGateway
from billing.models import CreditLine, SandboxCharge
from billing.services import CreditTerms, bind_card, grant_credit, top_up
from catalog.models import Price, Product
from koogallery.kernel.books import breaches
from pricing.models import Discount, TaxRate
from supervision.models import FlowTemplate
from tests.api.conftest import Api, buyer_api, on_sale
from tests.billing.conftest import usd
from tests.factories import AgreementFactory, a_buyer, a_coupon, a_statement, an_operator
from tests.provisioning.saas.conftest import a_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(db) -> Api:
    AgreementFactory()
    FlowTemplate.objects.get_or_create(flow_type="license", version=1, defaults={"appeal_on_acceptance_after": 2})
    return buyer_api()


def account_of(api: Api) -> Account:
    key = ApiKey.objects.select_related("account").get(key_hash=hash_key(api.key))
    assert key.account is not None
    return key.account


@pytest.fixture
def body(api) -> dict[str, object]:
    specification = on_sale()
    return {
        "specification": specification.pk, "billing_mode": "monthly", "duration": {"value": 2, "unit": "month"},
        "quantity": 1, "attributes": {},
    }  # fmt: skip


def order(api: Api, body: dict[str, object], **more: object) -> dict:
    answer = api.post("orders/", body | {"agreements_accepted": True} | more)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_quote_explains_itself_and_is_charged_to_the_cent(api, body):
    account = account_of(api)
    coupon = a_coupon(account)
    Discount.objects.create(kind="promotional", name="Autumn", percent=10)
    TaxRate.objects.create(country=account.country, name="GST", percent=9)
    quote = api.post("quotes/", body | {"coupon": coupon.code}).json()
    assert [(line["kind"], line["amount"]["amount"]) for line in quote["lines"]] == [
        ("charge", "10.00"), ("discount", "-1.00"), ("coupon", "-3.00"), ("tax", "0.54"),
    ]  # fmt: skip
    assert quote["payable"] == {"amount": "6.54", "currency": "USD"}
    made = order(api, body, coupon=coupon.code, quote=quote["quote"])
    assert made["payable"] == quote["payable"]
    paid = api.post(f"orders/{made['number']}/pay/", {"method": "card"}).json()
    assert paid["payments"][0]["amount"] == quote["payable"]
    assert SandboxCharge.objects.get().amount == usd("6.54").amount


@pytest.mark.parametrize("code", ["NOSUCHCOUPON0000", "x", "' OR 1=1 --"])
def test_a_coupon_that_is_none_is_refused(api, body, code):
    answer = api.post("quotes/", body | {"coupon": code})
    assert (answer.status_code, answer.json()["code"]) == (400, "coupon_invalid")


def test_another_accounts_coupon_is_refused(api, body):
    foreign = a_coupon(account_of(buyer_api()))
    answer = api.post("orders/", body | {"agreements_accepted": True, "coupon": foreign.code})
    assert (answer.status_code, answer.json()["code"]) == (400, "coupon_invalid")


def test_another_accounts_quote_is_refused(api, body):
    quote = buyer_api().post("quotes/", body).json()["quote"]
    answer = api.post("orders/", body | {"agreements_accepted": True, "quote": quote})
    assert (answer.status_code, answer.json()["code"]) == (409, "quote_expired")


def test_pay_per_use_is_offered_of_what_has_a_meter_only(api, client):
    """The page, lists, quotes and orders read the same prices: what none of them offers cannot be ordered."""
    sold = a_shop(prices={"monthly": "5.00", "pay_per_use": "0.37"}).specification
    product = Product.objects.get(pk=sold.product_id)
    assert product.billing_modes == ["monthly"]
    page = client.get(product.get_absolute_url()).content.decode()
    assert "$5.00" in page
    assert "Pay-per-use" not in page
    assert "0.37" not in page
    found = api.get(f"products/{product.slug}/").json()
    assert [price["billing_mode"] for price in found["specifications"][0]["prices"]] == ["monthly"]
    asked = client.get(f"{product.get_absolute_url()}?billing_mode=pay_per_use")
    assert asked.status_code == 422
    wanted = {"specification": sold.pk, "billing_mode": "pay_per_use"}
    for answer in (api.post("quotes/", wanted), api.post("orders/", wanted | {"agreements_accepted": True})):
        assert answer.status_code == 400
        assert answer.json()["errors"] == {"billing_mode": ["This specification is not sold in this billing mode."]}
    with pytest.raises(ValidationError, match="images only"):
        Price(specification=sold, billing_mode="pay_per_use", amount=1).clean()
    assert list(breaches()) == []


def test_orders_are_paid_together(api, body):
    numbers = [order(api, body)["number"] for _number in range(3)]
    answer = api.post("payments/", {"orders": numbers, "method": "card"}, idempotency_key="k")
    assert answer.status_code == 201
    assert {one["status"] for one in answer.json()["orders"]} == {"processing"}
    again = api.post("payments/", {"orders": numbers, "method": "card"}, idempotency_key="k")
    assert (again.status_code, SandboxCharge.objects.count()) == (201, 1)


def test_a_payment_that_waits_for_the_bank_is_given_up(body):
    api = buyer_api(card=False)
    account = account_of(api)
    bind_card(account, SandboxGateway().enter_card("authentication"), by=a_buyer("owner", account))
    number = order(api, body)["number"]
    answer = api.post(f"orders/{number}/pay/", {"method": "card"})
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_action_required")
    assert answer.json()["action_url"].startswith("http://testserver/sandbox/confirm/")
    waiting = api.get(f"orders/{number}/").json()["payments"][0]
    assert waiting["status"] == "action_required"
    path = f"payments/{waiting['id']}/cancel/"
    assert api.post(path, {"why": "late"}).status_code == 400
    assert buyer_api("purchaser", account, card=False).post(path).status_code == 403

    answer = api.post(path, idempotency_key="k")
    assert (answer.status_code, answer.json()) == (200, waiting | {"status": "failed", "orders": [number]})
    assert api.post(path, idempotency_key="k").json() == answer.json()
    assert api.post(path).json()["code"] == "invalid_transition"

    top_up(account, usd("10.00"), reference="B", by=an_operator())
    assert api.post(f"orders/{number}/pay/", {"method": "balance"}).json()["status"] == "processing"
    assert SandboxCharge.objects.get().outcome == "declined"


def test_a_payment_that_the_card_holder_confirmed_meanwhile_has_succeeded(body):
    api = buyer_api(card=False)
    account = account_of(api)
    bind_card(account, SandboxGateway().enter_card("authentication"), by=a_buyer("owner", account))
    number = order(api, body)["number"]
    api.post(f"orders/{number}/pay/", {"method": "card"})
    SandboxGateway().confirm(SandboxCharge.objects.get().reference, approved=True)
    waiting = api.get(f"orders/{number}/").json()["payments"][0]
    assert api.post(f"payments/{waiting['id']}/cancel/").json()["status"] == "succeeded"
    assert api.get(f"orders/{number}/").json()["status"] == "processing"


def test_strangers_orders_are_not_paid(api, body):
    numbers = [order(api, body)["number"], order(buyer_api(), body)["number"]]
    assert api.post("payments/", {"orders": numbers, "method": "card"}).status_code == 404


def test_balance_and_settlement_need_no_card(body):
    api = buyer_api(card=False)
    account, operator = account_of(api), an_operator()
    first, second = order(api, body)["number"], order(api, body)["number"]
    answer = api.post(f"orders/{first}/pay/", {"method": "card"})
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_method_required")
    assert api.post(f"orders/{first}/pay/", {"method": "monthly_settlement"}).status_code == 400
    top_up(account, usd("10.00"), reference="B", by=operator)
    grant_credit(account, CreditTerms(usd("10.00"), "TK"), by=operator)
    assert api.post(f"orders/{first}/pay/", {"method": "balance"}).json()["status"] == "processing"
    assert api.post(f"orders/{second}/pay/", {"method": "monthly_settlement"}).json()["status"] == "processing"
    statement = a_statement(account, "10.00")
    top_up(account, usd("10.00"), reference="B", by=operator)
    assert api.post(f"statements/{statement.public_id}/pay/", {"method": "balance"}).json()["status"] == "paid"
    stated = api.get("statements/").json()["results"][0]
    assert (stated["amount"]["amount"], stated["refunded_since"]["amount"]) == ("10.00", "0.00")
    assert CreditLine.objects.get().used == 0


def test_a_resellers_customer_pays_nobody(api, body):
    account = account_of(api)
    account.reseller = Reseller.objects.create(name="Cloudhaus")
    account.save()
    made = order(api, body)
    assert (made["status"], made["payments"]) == ("processing", [])
    answer = api.post(f"orders/{made['number']}/pay/", {"method": "card"})
    assert (answer.status_code, answer.json()["code"]) == (409, "order_not_payable")


def test_codes_are_redeemed_and_listed(api):
    coupon = a_coupon()
    assert api.post("coupons/", {"code": coupon.code}).status_code == 201
    listed = api.get("coupons/").json()["results"]
    assert [(one["code"], one["remaining"]["amount"], one["usable"]) for one in listed] == [(coupon.code, "3.00", True)]
