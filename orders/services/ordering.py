"""What every way to an order shares: a purchase, a renewal and an upgrade at the price that was shown."""

from datetime import datetime

from django.conf import settings

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Product
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import insert
from orders import ports
from orders.choices import OrderKind
from orders.errors import AccountFrozen
from orders.events import OrderPlaced
from orders.models import Order, Subscription
from orders.services.locking import order_locked
from orders.services.payment import start_processing
from pricing import services as pricing
from pricing.coupons import plain_code, reserve_coupon
from pricing.errors import QuoteExpired
from pricing.values import Quote

_ACCOUNT = Compiled(
    lambda: (
        Account.objects.select_for_update(of=("self",), no_key=True).select_related("reseller").filter(pk=Param("pk"))
    )
)


def ordering_account(pk: int) -> Account:
    """The account that orders, under a lock that its other orders wait for; in a transaction.

    Raises:
        AccountFrozen: it cannot place orders.
    """
    account = _ACCOUNT.get(pk=pk)
    if account.is_frozen:
        raise AccountFrozen
    return account


def check_coupon(quote: str, coupon: str) -> None:
    """A signed quote holds with the coupon that it was made with.

    Raises:
        QuoteExpired: it was made with another one.
    """
    if quote and pricing.coupon_of(quote) != plain_code(coupon):
        raise QuoteExpired("This price offer was made with another coupon. Ask for the price again.")


def write_order(
    number: str,
    product: Product,
    quote: Quote,
    *,
    account: Account,
    by: Actor,
    at: datetime,
    kind: OrderKind = OrderKind.NEW,
    subject: Subscription | None = None,
    auto_renew: bool = False,
    unpaid_until: datetime | None = None,
) -> Order:
    """A new order with the quote as its snapshot, still without lines.

    Args:
        subject: the purchased app that a renewal or an upgrade changes.
        unpaid_until: until when it may be paid (UTC); None: for as long as any order (RULES 6).
    """
    order = Order(
        number=number,
        account=account,
        seller=product.seller,
        product=product,
        customer_name=account.name,
        seller_name=product.seller.name,
        placed_by_id=by.user_id,
        kind=kind.value,  # as it is read back: events of a free order are published with this object
        subject=subject,
        currency=quote.currency,
        list_price=quote.list_price.amount,
        discount=quote.discount.amount,
        coupon=quote.coupon.amount,
        tax=quote.tax.amount,
        payable=quote.payable.amount,
        quote=quote.as_json(),
        auto_renew=auto_renew,
        created_at=at,
        unpaid_until=unpaid_until or at + settings.UNPAID_ORDER_LIFETIME,
    )
    insert([order])
    return order


def take_up(order: Order, quote: Quote, *, account: Account, by: Actor, at: datetime, announced: bool = True) -> Order:
    """Reserve the order's coupon; then it waits for payment, or is processed where nobody pays here (guide 2.1 NOTE).

    Args:
        announced: tell the buyer that it waits for payment.
    """
    if quote.applied.coupon:
        reserve_coupon(quote.applied.coupon, quote.coupon, account=account, order_number=order.number, at=at)
    if not order.payable:
        start_processing(order, by=by, at=at)
    elif account.reseller_id:
        ports.money().bill_reseller(order, by=by, at=at)
        order = order_locked(order)
    elif announced:
        publish(OrderPlaced(order_number=order.number), at=at)
    return order
