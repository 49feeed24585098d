"""What Confirm shows stays true: prices and coupons that change meanwhile are said, old quotes are refused."""

from datetime import timedelta

import pytest
from time_machine import travel

from accounts.models import Account, User
from catalog.models import Price
from koogallery.kernel import clock
from koogallery.kernel.money import Money
from orders.models import Order, PurchaseDraft
from orders.services import Placement, open_draft, place_draft, place_order, preview_draft, use_coupon
from pricing.errors import CouponInvalid, QuoteExpired
from pricing.services import quote_purchase
from pricing.values import Duration, QuoteRequest
from tests.factories import a_buyer, a_coupon, a_specification


class Confirming:
    def __init__(self) -> None:
        self.by, specification = a_buyer(), a_specification()
        self.account, self.user = Account.objects.get(pk=self.by.account_id), User.objects.get(pk=self.by.user_id)
        self.request = QuoteRequest(specification.pk, "monthly", Duration(1, "month"))
        self.coupon = a_coupon(self.account)
        draft = open_draft(self.request, account=self.account, user=self.user, by=self.by)
        self.draft = use_coupon(draft, self.coupon.code, by=self.by)

    def spend_coupon_elsewhere(self) -> None:
        wanted = Placement(self.request, agreements_accepted=True, coupon=self.coupon.code)
        place_order(wanted, account=self.account, by=self.by)


@pytest.fixture
def confirming(db):
    return Confirming()


def test_a_coupon_that_falls_away_shows_the_old_price_and_why(confirming, client):
    shown = preview_draft(confirming.draft).quote
    confirming.spend_coupon_elsewhere()
    client.force_login(confirming.user)
    page = client.get(f"/purchase/{confirming.draft.public_id}/confirm/")
    assert page.context["old_price"] == shown.payable
    assert shown.payable < page.context["quote"].payable
    assert page.context["coupon_refusal"]
    content = page.content.decode()
    assert "Your coupon is not used:" in content
    assert "The price has changed" in content
    again = client.get(f"/purchase/{confirming.draft.public_id}/confirm/")
    assert (again.context["old_price"], again.context["coupon_refusal"]) == (None, "")


def test_pay_now_with_a_coupon_that_fell_away_asks_again_with_both_prices(confirming, client):
    shown = preview_draft(confirming.draft).quote
    confirming.spend_coupon_elsewhere()
    client.force_login(confirming.user)
    form = {"agreements": "on", "quote": shown.token, "agreements_shown": ""}
    page = client.post(f"/purchase/{confirming.draft.public_id}/confirm/", form)
    assert (page.status_code, page.context["old_price"]) == (422, shown.payable)
    assert Order.objects.count() == 1


def test_a_draft_that_expired_is_configured_again(confirming, client):
    client.force_login(confirming.user)
    address = f"/purchase/{confirming.draft.public_id}/confirm/"
    with travel(confirming.draft.expires_at + timedelta(seconds=1)):
        for answer in (
            client.get(address),
            client.post(address, {"agreements": "on", "quote": confirming.draft.quote}),
        ):
            assert answer.status_code == 302
            product, query = answer.headers["Location"].split("?")
            assert product == confirming.draft.product.get_absolute_url()
            assert f"specification={confirming.request.specification}&billing_mode=monthly" in query
        assert "This configuration has expired." in client.get(answer.headers["Location"]).content.decode()
    assert not Order.objects.exists()


def test_a_price_that_changed_while_the_quote_ran_out_is_said(confirming):
    shown = preview_draft(confirming.draft).quote
    Price.objects.update(amount="9.00")
    with travel(clock.now() + timedelta(hours=24, seconds=1)):
        preview = preview_draft(PurchaseDraft.objects.get())
    assert preview.was is not None
    assert Money.from_json(preview.was) == shown.payable


def test_a_stale_quote_is_refused_after_24_hours(confirming):
    at = clock.now()
    token = quote_purchase(confirming.request, account=confirming.account, at=at).token
    wanted = Placement(confirming.request, agreements_accepted=True, quote=token)
    with pytest.raises(QuoteExpired):
        place_order(wanted, account=confirming.account, by=confirming.by, at=at + timedelta(hours=24, seconds=1))
    assert not Order.objects.exists()
    place_order(wanted, account=confirming.account, by=confirming.by, at=at + timedelta(hours=24))


def test_a_coupon_that_fell_away_is_not_placed(confirming):
    token = preview_draft(confirming.draft).quote.token
    confirming.spend_coupon_elsewhere()
    with pytest.raises(CouponInvalid):
        place_draft(confirming.draft, agreements_accepted=True, quote=token, by=confirming.by)


def test_what_renews_says_when(confirming):
    renews = quote_purchase(confirming.request, account=confirming.account).renews
    assert renews is not None
    assert (renews.at, "delivered and accepted" in renews.when) == (None, True)
