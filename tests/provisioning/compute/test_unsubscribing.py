"""Images on yearly/monthly are unsubscribed (guide 7.1), software and ECS each by itself: the simulated cloud stops and deletes."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html import escape

import pytest

from accounts.models import Account
from billing.errors import InvoiceMustBeReturned
from billing.invoices.services import Application, apply_for_invoice, ask_return, finish_return
from billing.invoices.services.sources import outstanding
from billing.models import Refund, Unsubscription
from billing.services import propose_refund, quote_unsubscription, refusal_of, unsubscribe
from koogallery.kernel.books import breaches
from orders.models import Order, Subscription
from provisioning.compute.models import Server
from tests.billing.conftest import usd
from tests.billing.invoicing import HEADER, issued
from tests.factories import an_operator, logged_in
from tests.provisioning.compute.conftest import Simulated, let_pass
from tests.test_budgets import count


def assert_about_nine_tenths(made: Unsubscription, paid: str) -> None:
    """The fee is a tenth; a full hour or two may have been used, as the clock stands."""
    assert (made.paid, made.fee) == (Decimal(paid), Decimal(paid) / 10)
    assert made.refund == made.paid - made.consumed - made.fee
    assert made.consumed <= made.paid / 300


def broken() -> list[str]:
    return [str(one) for one in breaches() if one.invariant.name != "listing_repeats_prices"]


@pytest.mark.parametrize(("mode", "software", "ecs"), [("monthly", "155.00", "26.80"), ("yearly", "1500.00", "268.00")])
def test_first_the_image_then_its_server(shop, settings, mode, software, ecs):
    cloud, order = Simulated(settings), shop.buy(mode)
    at = let_pass(5)
    server = shop.servers()[0]
    assert (server.status, Order.objects.get(pk=order.pk).status) == ("running", "completed")
    image, host = server.image_subscription, server.subscription
    assert [quote_unsubscription(one, at=at).paid for one in (image, host)] == [usd(software), usd(ecs)]

    made = unsubscribe(image, reason="Another image", by=shop.buyer, at=at)
    at = let_pass(5, at=at)
    assert_about_nine_tenths(made, software)
    server = Server.objects.get()
    # Its disks are kept: the ECS is paid for.
    assert (server.status, server.frozen_at is not None, cloud.ours() != []) == ("stopped", True, True)
    assert refusal_of(Subscription.objects.get(pk=host.pk), at=at) is None

    made = unsubscribe(Subscription.objects.get(pk=host.pk), by=shop.buyer, at=at)
    let_pass(9, at=at)
    assert_about_nine_tenths(made, ecs)
    assert (Server.objects.get().status, cloud.ours()) == ("deleted", [])
    assert {one.status for one in Subscription.objects.all()} == {"closed"}
    back = Refund.objects.filter(order=order)
    assert {one.status for one in back} == {"succeeded"}
    assert sum(one.amount for one in back) == sum(one.refund for one in Unsubscription.objects.all())
    assert broken() == []


def test_the_server_first_deletes_it_and_the_image_follows(shop, settings):
    cloud, _order = Simulated(settings), shop.buy("monthly", quantity=2)
    at = let_pass(5)
    _kept, gone = shop.servers()
    unsubscribe(gone.subscription, by=shop.buyer, at=at)
    at = let_pass(9, at=at)
    assert [one.status for one in shop.servers()] == ["running", "deleted"]
    assert cloud.ours() != []
    unsubscribe(gone.image_subscription, by=shop.buyer, at=at)
    let_pass(5, at=at)
    assert [one.status for one in shop.servers()] == ["running", "deleted"]
    assert broken() == []


def test_the_invoice_of_either_issuer_is_applied_for_by_itself_and_returned_first(shop):
    order, other = shop.buy("monthly"), shop.buy("monthly")
    at = let_pass(5)
    server = Server.objects.filter(subscription__line__order=order).get()
    page, account = f"/billing/orders/{order.number}/", Account.objects.get(pk=order.account_id)
    client, issuers = logged_in(account.memberships.get().user), set()
    # Without an issuer's name one of both is chosen first; a form that was sent without it applies for nothing.
    for asked in (f"order={order.number}", f"order={order.number}&order={other.number}"):
        choice = client.get(f"/billing/invoices/apply/?{asked}")
        assert {one.label.partition(": ")[2] for one in choice.context["issuers"]} == {
            "KooGallery Cloud",
            order.seller.name,
        }
        assert 'id="application"' not in choice.content.decode()
        for link in choice.context["issuers"]:
            chosen = client.get(link.url).context
            assert (chosen["issuers"], len(chosen["rows"])) == ([], asked.count("order"))
    for issuer in ("platform", order.seller.slug):
        assert len(client.get(page).context["applications"]) == 2 - len(issuers)
        link = f"/billing/invoices/apply/?order={order.number}&issuer={issuer}"
        assert escape(link) in client.get(page).content.decode()
        assert [one.issuer for one, _ticked in client.get(link).context["rows"]] == [issuer]
        issuers.add(issuer)
        wanted = Application(HEADER, orders=[order.number], issuer=issuer)
        made = issued(apply_for_invoice(wanted, account=account, by=shop.buyer, at=at), at=at)
        sold = order.lines.get(delivery_method="ecs" if issuer == "platform" else "image")
        described = made.items.order_by("id")[0].description
        assert described == f"{sold.product_name}, {sold.specification_name}, 1 month"
        if issuer == "platform":
            ours = made
            # What goes back of the whole order lowers both parts: of the one that is invoiced too much is, the other has some left.
            propose_refund(Order.objects.get(pk=order.pk), usd("20.00"), reason="Goodwill", by=an_operator(), at=at)
            (part,) = outstanding(account)
            assert (part.issuer, part.cash.outstanding) == ("platform", usd("2.95"))
    assert client.get(page).context["applications"] == []
    for one in (server.subscription, server.image_subscription):
        with pytest.raises(InvoiceMustBeReturned, match="Return invoice"):
            unsubscribe(one, by=shop.buyer, at=at)
    assert {one.status for one in Subscription.objects.all()} == {"enabled"}
    # The next invoice offsets what the first took too much; is the first returned, that one names the order only as that.
    apply_for_invoice(replace(wanted, orders=[other.number], issuer="platform"), account=account, by=shop.buyer, at=at)
    ask_return(ours, reason="Wrong header", by=shop.buyer, at=at)
    finish_return(ours, by=an_operator(), at=at)
    count(client, page)
    (link,) = client.get(page).context["applications"]
    (row, _ticked), *_none = client.get(link.url).context["rows"]
    assert (row.issuer, row.left) == ("platform", usd("26.80"))


def test_what_no_server_came_up_for_is_a_cancellation(shop, settings):
    cloud = Simulated(settings)
    cloud.break_servers()
    order = shop.buy("monthly")
    let_pass(180, quietly=True)
    order = Order.objects.get(pk=order.pk)
    assert (order.status, Refund.objects.get().money) == ("cancelled", order.payable_money)
    assert not Order.objects.filter(kind="unsubscription").exists()
    assert cloud.ours() == []


def test_pay_per_use_is_deleted_not_unsubscribed(shop):
    shop.buy("pay_per_use")
    at = let_pass(5) + timedelta(hours=2)
    for one in Subscription.objects.all():
        assert refusal_of(one, at=at).message.startswith("Pay-per-use resources cannot be unsubscribed.")


def test_a_goodwill_refund_lowers_what_is_left_to_give_back(shop):
    order = shop.buy("monthly")
    at = let_pass(5)
    server = shop.servers()[0]
    propose_refund(Order.objects.get(pk=order.pk), usd("180.00"), reason="Goodwill", by=an_operator(), at=at)
    let_pass(1, at=at)
    given = sum(one.amount for one in Refund.objects.all())
    offered = [quote_unsubscription(one, at=at).refund for one in (server.subscription, server.image_subscription)]
    assert all(one <= order.payable_money - usd(str(given)) for one in offered)
