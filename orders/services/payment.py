"""An order is paid, or will not be."""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.permissions import Permission, require
from catalog.choices import DeliveryMethod
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.errors import InvalidTransition
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import insert, update
from orders import ports
from orders.choices import OrderKind, OrderStatus
from orders.errors import OrderNotPayable
from orders.events import OrderCancelled, OrderPaid, OrderSubmitted
from orders.models import Order, OrderDelivery, OrderLine, Subscription
from orders.services.changing import apply_upgrade, still_fits
from orders.services.extending import apply_renewal
from orders.services.locking import order_locked

_LINES = Compiled(lambda: OrderLine.objects.filter(order=Param("order")))


def can_be_paid(order: Order, *, at: datetime) -> bool:
    """Whether a locked order waits for payment, and what it was ordered for is still there (RULES 6)."""
    return order.is_payable and still_fits(order, at=at)


def mark_paid(order: Order, *, by: Actor, at: datetime) -> Order:
    """The order's payment has succeeded: hold the money, make its subscriptions, start its delivery.

    In the transaction of the payment's outcome, so that a paid order always has a delivery.

    Args:
        order: locked by `order_locked` in this transaction, and not changed since.

    Raises:
        OrderNotPayable: it is paid already or was cancelled; the caller gives the money back.
    """
    if order.status != OrderStatus.PENDING_PAYMENT:
        raise OrderNotPayable
    start_processing(order, by=by, at=at)
    return order


def start_processing(order: Order, *, by: Actor, at: datetime) -> None:
    """Turn a locked, unpaid order into a processing one. Use `mark_paid` from outside."""
    order.mark_paid(at)
    if order.kind == OrderKind.RENEWAL:
        # It is complete at once: one change of its row.
        ports.money().hold(order, by=by, at=at)
        apply_renewal(order, by=by, at=at, unwritten=("paid_at",))
        return
    update(order, "status", "paid_at")
    if order.kind == OrderKind.NEW:
        _create_subscriptions(order, at=at)
    ports.money().hold(order, by=by, at=at)
    # The delivery's own events come after this one: they are of the same order's subject.
    paid_here = order.payable and not order.account.reseller_id
    publish((OrderPaid if paid_here else OrderSubmitted)(order_number=order.number), at=at)
    if order.kind == OrderKind.UPGRADE:
        apply_upgrade(order, by=by, at=at)
        return
    parts = ports.deliverers_of(order)
    insert([OrderDelivery(order=order, deliverer=one.name, started_at=at) for one in parts])
    for one in parts:
        one.start(order, by=by, at=at)


def _create_subscriptions(order: Order, *, at: datetime) -> None:
    """One subscription a line: a quantity of licences is one subscription with that quantity. Each server is one."""
    supervised = order.product.supervised
    insert(
        [
            Subscription(
                account_id=order.account_id,
                line=line,
                product_id=order.product_id,
                specification_id=line.specification_id,
                delivery_method=line.delivery_method,
                billing_mode=line.billing_mode,
                attributes=line.attributes,
                quantity=1 if _is_each(line) else line.quantity,
                created_at=at,
                # Supervised SaaS is listed in Purchased Apps only when its flow is complete (RULES 1.1).
                listed_at=None if supervised and line.delivery_method == DeliveryMethod.SAAS else at,
            )
            for line in _LINES.all(order=order.pk)
            for _number in range(line.quantity if _is_each(line) else 1)
        ]
    )


def _is_each(line: OrderLine) -> bool:
    """Whether every piece of the line lives by itself."""
    return line.delivery_method in (DeliveryMethod.IMAGE, DeliveryMethod.ECS)


def cancel_order(order: Order, *, by: Actor, at: datetime | None = None) -> Order:
    """The buyer cancels an order that he has not paid (RULES 6).

    Raises:
        PermissionRefused: the role may neither buy nor pay.
        InvalidTransition: it is not waiting for payment.
    """
    at = at or clock.now()
    require(by, Permission.CANCEL)
    return _cancel(order, reason="Canceled by the customer.", by=by, at=at)


def cancel_unpaid_order(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: the payment deadline has passed; the order stays listed, but cannot be paid (RULES 6)."""
    with transaction.atomic():
        order = order_locked(pk)
        if order.status == OrderStatus.PENDING_PAYMENT and order.unpaid_until and order.unpaid_until <= at:
            _cancel(order, reason="Not paid in time.", by=by, at=at)


def cancel_outdated(order: Order, *, reason: str, at: datetime) -> Order:
    """An unpaid change of a subscription that changed or ended meanwhile (RULES 6)."""
    return _cancel(order, reason=reason, by=Actor.system("subscription"), at=at)


def _cancel(order: Order, *, reason: str, by: Actor, at: datetime) -> Order:
    with transaction.atomic():
        order = order_locked(order)
        if order.status != OrderStatus.PENDING_PAYMENT:
            raise InvalidTransition("Only an order that is pending payment can be canceled.")
        order.cancel(at, reason)
        order.save(update_fields=["status", "cancelled_at", "cancel_reason"])
        ports.money().return_coupon(order, by=by, at=at)
        publish(OrderCancelled(order_number=order.number, reason=reason), at=at)
    return order
