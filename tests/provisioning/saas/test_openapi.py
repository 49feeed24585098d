"""The Open API with the vendor's own SDK signer, mock orders, and everything that is refused (RULES 2.8)."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from billing.services import PaymentRequest, pay_order
from koogallery.kernel import clock
from orders.services import Placement, place_order
from pricing.values import Duration, QuoteRequest
from provisioning.models import AccessKey, Call
from provisioning.saas.calling import told_for
from provisioning.saas.messages import v1_params
from provisioning.saas.mocks import MOCK_ORDERS
from tests.factories import AttributeFactory
from tests.provisioning.saas.conftest import a_shop, key_of

pytestmark = pytest.mark.django_db

PATH = "/api/mkp-openapi-public/global/v1/order/query"


def signed(ak: str, sk: str, query: dict[str, str], *, headers=None, path=PATH):
    """What the vendor's SDK sends."""
    request = SdkRequest(
        method="GET",
        schema="https",
        host="testserver",
        resource_path=path,
        query_params=list(query.items()),
        header_params=dict(headers or {"Content-Type": "application/json"}),
        body="",
    )
    Signer(BasicCredentials(ak, sk)).sign(request)
    return request


def ask(request, *, change=None):
    uri = change(request.uri) if change else request.uri
    parts = urlsplit(uri)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Client().get(parts.path, query, headers=request.header_params)


@pytest.fixture
def shop():
    return a_shop(prices={"monthly": "5.00", "one_time": "40.00"})


def keys(shop):
    return AccessKey.objects.for_seller(shop.product.seller).valid()[0].public_id, key_of(shop)


@pytest.mark.parametrize("number", list(MOCK_ORDERS))
def test_mock_orders_answer_fixed_data_for_any_sellers_key(shop, number):
    answer = ask(signed(*keys(shop), {"orderId": number, "orderLineId": f"{number}-000001"}))
    assert answer.status_code == 200
    found = answer.json()
    assert (found["resultCode"], found["orderInfo"]["orderId"]) == ("MKT.0000", number)
    line = found["orderInfo"]["orderLine"][0]
    assert line["orderLineId"] == f"{number}-000001"
    assert (found["orderInfo"]["orderType"], line["chargingMode"]) == (
        MOCK_ORDERS[number].order_type,
        MOCK_ORDERS[number].charging,
    )


def test_a_real_order_tells_what_was_bought(shop, timers):
    order = shop.buy()
    found = ask(signed(*keys(shop), {"orderId": order.number})).json()["orderInfo"]
    assert (found["orderType"], found["createTime"]) == ("NEW", f"{order.created_at:%Y%m%d%H%M%S}")
    line = found["orderLine"][0]
    assert (line["orderLineId"], line["chargingMode"]) == (f"{order.number}-000001", "PERIOD")
    assert (line["periodType"], line["periodNumber"], line["currencyAfterDiscount"]) == ("month", 1, 5.0)
    assert len(line["expireTime"]) == 14
    assert line["productInfo"][0]["linearValue"] == 1
    assert line["productInfo"][0]["productName"] == shop.product.name
    assert found["buyerInfo"]["customerId"] == shop.account.public_id
    once = shop.buy(mode="one_time")
    line = ask(signed(*keys(shop), {"orderId": once.number})).json()["orderInfo"]["orderLine"][0]
    assert line["chargingMode"] == "ONE_TIME"
    assert "expireTime" not in line


def test_what_is_counted_is_told_and_amounts_have_the_currencys_digits(shop):
    AttributeFactory(specification=shop.specification)
    order = shop.buy(attributes={"users": 25})
    line = ask(signed(*keys(shop), {"orderId": order.number})).json()["orderInfo"]["orderLine"][0]
    assert line["productInfo"][0]["linearValue"] == 25
    assert line["extendParams"] == [{"name": "users", "value": "25"}]
    call = Call.objects.select_related("instance__subscription__account", "order__placed_by").get(order=order)
    told = v1_params(told_for(call, shop.product.production_interface), key_of(shop))
    assert (told["amount"], told["orderAmount"]) == ("25", "5.00")


def test_an_order_is_told_once_it_is_paid(shop):
    request = QuoteRequest(shop.specification.pk, "monthly", Duration(1, "month"))
    order = place_order(Placement(request, agreements_accepted=True), account=shop.account, by=shop.buyer)
    asked = {"orderId": order.number}
    assert ask(signed(*keys(shop), asked)).status_code == 404
    pay_order(order, PaymentRequest(), by=shop.buyer)
    assert ask(signed(*keys(shop), asked)).status_code == 200


def test_the_key_itself_may_stand_for_its_id_and_the_one_before_is_valid(shop):
    from provisioning.saas.keys import create_access_key

    create_access_key(shop.product.seller, by=shop.selling, secret="the-next-key")
    old, new = key_of(shop), "the-next-key"
    for sk in (old, new):
        assert ask(signed(sk, sk, {"orderId": "MOCKONDEMAND"})).status_code == 200
    create_access_key(shop.product.seller, by=shop.selling)
    assert ask(signed(old, old, {"orderId": "MOCKONDEMAND"})).status_code == 401
    assert ask(signed(new, new, {"orderId": "MOCKONDEMAND"})).status_code == 200


def test_what_is_refused(shop):
    ak, sk = keys(shop)
    mock = {"orderId": "MOCKONDEMAND"}
    assert Client().get(PATH, mock).status_code == 401
    assert ask(signed(ak, "another key", mock)).status_code == 401
    assert ask(signed("another id", sk, mock)).status_code == 401
    assert ask(signed(ak, sk, mock), change=lambda uri: uri.replace("ONDEMAND", "ONETIMENEW")).status_code == 401
    for off in (timedelta(minutes=16), -timedelta(minutes=16)):
        date = f"{clock.machine_now() + off:%Y%m%dT%H%M%SZ}"
        answer = ask(signed(ak, sk, mock, headers={"X-Sdk-Date": date}))
        assert answer.status_code == 401
        assert "15 minutes" in answer.json()["resultMsg"]
    date = f"{clock.machine_now() - timedelta(minutes=14):%Y%m%dT%H%M%SZ}"
    assert ask(signed(ak, sk, mock, headers={"X-Sdk-Date": date})).status_code == 200
    assert ask(signed(ak, sk, {"orderId": ""})).status_code == 400
    assert ask(signed(ak, sk, {"orderId": "x" * 65})).status_code == 400
    assert ask(signed(ak, sk, {"orderId": "CS260101NOTTHERE"})).status_code == 404
    assert ask(signed(ak, sk, {**mock, "orderLineId": "MOCKONDEMAND-000002"})).status_code == 404


def test_another_sellers_order_is_not_there(shop):
    order, other = shop.buy(), a_shop()
    assert ask(signed(*keys(other), {"orderId": order.number})).status_code == 404
    unpaid = shop.now(order)
    assert ask(signed(*keys(shop), {"orderId": unpaid.number})).status_code == 200
