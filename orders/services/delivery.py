"""What deliverers report, and how an order ends: completed, refunded, or cancelled as undeliverable.

None of it happens while an appeal on the order is being decided (`FlowFrozen`).
"""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from catalog.choices import SUBSCRIPTION_MODES
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.errors import InvalidTransition
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import update
from orders import ports, terms
from orders.choices import DeliveryStatus, OrderStatus, SubscriptionStatus
from orders.events import OrderCancelled, OrderRefunded, OrderTakenBack, SubscriptionStarted
from orders.models import Order, OrderDelivery, Subscription, SubscriptionTerm
from orders.services.changing import taking_back_refusal, undo_upgrade
from orders.services.completing import complete_locked
from orders.services.extending import undo_renewal
from orders.services.locking import order_locked, order_locked_alone, orders_locked_alone
from orders.services.payment import cancel_outdated
from pricing.rules import Duration


def delivery_done(order: Order, *, deliverer: str, accepted: bool, by: Actor, at: datetime) -> Order:
    """One deliverer has finished its part; when all have, the terms start at `at` (RULES 1.1).

    Args:
        accepted: the buyer accepted it under supervision, so that the order completes three hours later
            (guide 4); otherwise it completes at once.

    Raises:
        InvalidTransition: that part is not under way, or what is to be accepted is not all there yet.
    """
    with transaction.atomic():
        order = order_locked(order)
        ports.refuse_frozen(order)
        part = _part(order, deliverer)
        if accepted and order.deliveries.filter(status=DeliveryStatus.STARTED).exclude(pk=part.pk).exists():
            raise InvalidTransition("The application is still being created. It can be accepted when it is there.")
        part.finish(at)
        part.save(update_fields=["status", "ended_at"])
        if order.deliveries.exclude(status=DeliveryStatus.DONE).exists():
            return order
        _start_terms(order, at=at)
        if accepted:
            order.accepted_at = at
            order.completes_at = at + settings.ORDER_COMPLETES_AFTER_ACCEPTANCE
            order.save(update_fields=["accepted_at", "completes_at"])
        else:
            order = complete_order(order, by=by, at=at)
    return order


def _part(order: Order, deliverer: str) -> OrderDelivery:
    part = order.deliveries.filter(deliverer=deliverer, status=DeliveryStatus.STARTED).first()
    if part is None or order.status != OrderStatus.PROCESSING:
        raise InvalidTransition("This order's delivery is not under way.")
    return part


def _start_terms(order: Order, *, at: datetime) -> None:
    for subscription in Subscription.objects.filter(line__order=order).select_related("line"):
        if subscription.status != SubscriptionStatus.PENDING:
            continue
        line, term = subscription.line, None
        if line.billing_mode in SUBSCRIPTION_MODES and line.duration_value:
            term = terms.first_term(at, Duration(line.duration_value, line.duration_unit))
        subscription.start(
            at, expires_at=term.expires_at if term else None, anchor_day=term.anchor_day if term else None
        )
        subscription.listed_at = subscription.listed_at or at
        subscription.save()
        if term:
            SubscriptionTerm.objects.create(
                subscription=subscription,
                line=line,
                starts_at=at,
                ends_at=term.expires_at,
                anchor_day=term.anchor_day,
                bought_at=at,
            )
        publish(SubscriptionStarted(order_number=order.number, subscription=subscription.public_id), at=at)


def complete_order(order: Order, *, by: Actor, at: datetime | None = None) -> Order:
    """Everything is final: what was held for the order becomes payable to the seller.

    Raises:
        InvalidTransition: the order is not processing.
    """
    at = at or clock.now()
    with transaction.atomic():
        order = order_locked(order)
        ports.refuse_frozen(order)
        if order.status != OrderStatus.PROCESSING:
            raise InvalidTransition("Only a processing order can be completed.")
        complete_locked(order, by=by, at=at)
    return order


def complete_due_order(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: three hours have passed since acceptance."""
    _complete_if_due(order_locked_alone(pk), by=by, at=at)


def complete_due_orders(due: Mapping[int, datetime], *, by: Actor) -> None:
    """Timer: the same for several orders at once."""
    orders = orders_locked_alone(due)
    for pk, at in due.items():
        _complete_if_due(orders[pk], by=by, at=at)


def _complete_if_due(order: Order, *, by: Actor, at: datetime) -> None:
    if order.status == OrderStatus.PROCESSING and order.completes_at and order.completes_at <= at:
        complete_locked(order, by=by, at=at)


def end_with_refund(order: Order, *, amount: Money | None, reason: str, by: Actor, at: datetime) -> Order:
    """Operations or a deadline end an order that is being delivered (RULES 1.5 d, 1.6).

    The whole payment goes back (`amount` None) and the order becomes refunded; or a part does, the order is
    completed and the buyer keeps what he paid the rest for.

    Raises:
        InvalidTransition: the order is not processing, or `amount` exceeds what is held.
    """
    with transaction.atomic():
        return end_locked_with_refund(order_locked(order), amount=amount, reason=reason, by=by, at=at)


def end_locked_with_refund(order: Order, *, amount: Money | None, reason: str, by: Actor, at: datetime) -> Order:
    """The same for a timer, which has read the order under its lock in its own transaction."""
    ports.refuse_frozen(order)
    if order.status != OrderStatus.PROCESSING:
        raise InvalidTransition("Only a processing order can be ended.")
    held = ports.money().refundable(order)
    if amount is not None and (amount.amount <= 0 or held < amount):
        raise InvalidTransition(f"Refund an amount up to {held.display()}.")
    if amount is not None and amount < held:
        return _end_partly(order, amount, reason=reason, by=by, at=at)
    _end_parts(order, reason=reason, by=by, at=at)
    order.start_refund()
    update(order, "status", "completes_at")
    ports.money().return_coupon(order, by=by, at=at)
    if held:
        ports.money().refund(order, held, reason=reason, by=by, at=at)
    ports.money().ended(order, by=by, at=at)
    if not held:
        order = refund_finished(order, amount=held, at=at)
    return order


def take_back(order: Order, amount: Money, *, whole: bool, reason: str, by: Actor, at: datetime) -> Order:
    """Operations refund an order out of its flow: in part, and it goes on as it is; or in whole, and it is over.

    Raises:
        InvalidTransition: it is neither processing nor completed, `amount` exceeds what is left, or a later upgrade
            stands on it.
    """
    with transaction.atomic():
        order = order_locked(order)
        ports.refuse_frozen(order)
        if order.status == OrderStatus.PROCESSING and whole:
            return end_with_refund(order, amount=None, reason=reason, by=by, at=at)
        if order.status not in (OrderStatus.PROCESSING, OrderStatus.COMPLETED):
            raise InvalidTransition("Only a processing or completed order can be refunded.")
        if whole and (refusal := taking_back_refusal(order)):
            raise InvalidTransition(refusal)
        if amount:
            ports.money().refund(order, amount, reason=reason, by=by, at=at)
        if whole:
            _close_subscriptions(order, reason=reason, by=by, at=at)
            order.start_refund()
            order.save(update_fields=["status", "completes_at"])
            ports.money().return_coupon(order, by=by, at=at)
            ports.money().ended(order, by=by, at=at)
            if not amount:
                order = refund_finished(order, amount=amount, at=at)
    return order


def _close_subscriptions(order: Order, *, reason: str, by: Actor, at: datetime) -> None:
    """What a completed order brought is taken out of use for good; an upgrade is taken back."""
    _end_changes(order, reason=reason, by=by, at=at)
    undo_upgrade(order)
    undo_renewal(order, at=at)
    for subscription in Subscription.objects.filter(line__order=order).exclude(status=SubscriptionStatus.CLOSED):
        subscription.close(at)
        subscription.save(update_fields=["status", "closed_at"])
        for one in ports.deliverers_of(order):
            one.release(subscription, by=by, at=at)


def _end_partly(order: Order, amount: Money, *, reason: str, by: Actor, at: datetime) -> Order:
    ports.money().refund(order, amount, reason=reason, by=by, at=at)
    for part in order.deliveries.filter(status=DeliveryStatus.STARTED):
        part.finish(at)
        part.save(update_fields=["status", "ended_at"])
    _start_terms(order, at=at)
    return complete_order(order, by=by, at=at)


_PARTS = Compiled(
    lambda: OrderDelivery.objects.filter(
        order=Param("order"), status__in=[DeliveryStatus.STARTED, DeliveryStatus.DONE]
    ).order_by("id")
)
_APPS = Compiled(
    lambda: (
        Subscription.objects.filter(line__order=Param("order")).exclude(status=SubscriptionStatus.CLOSED).order_by("id")
    )
)
# What was ordered on top of what an order brought, unpaid or under way.
_ON_TOP = Compiled(
    lambda: Order.objects.filter(
        subject__line__order=Param("order"), status__in=[OrderStatus.PENDING_PAYMENT, OrderStatus.PROCESSING]
    ).order_by("id")
)


def _end_parts(order: Order, *, reason: str, by: Actor, at: datetime) -> None:
    """Stop every deliverer, close what was bought, take an upgrade back."""
    _end_changes(order, reason=reason, by=by, at=at)
    undo_upgrade(order)
    for part in _PARTS.all(order=order.pk):
        part.abort(at)
        update(part, "status", "ended_at")
    for one in ports.deliverers_of(order):
        one.abort(order, reason=reason, by=by, at=at)
    for subscription in _APPS.all(order=order.pk):
        subscription.close(at)
        update(subscription, "status", "closed_at")


def _end_changes(order: Order, *, reason: str, by: Actor, at: datetime) -> None:
    """The order ends: what was ordered on top of it ends too. Unpaid it is canceled, under way it goes back.

    A completed upgrade keeps its money: it was used until now. Operations see it before they take its base back.
    """
    on_top = _ON_TOP.all(order=order.pk)
    unpaid = [one for one in on_top if one.status == OrderStatus.PENDING_PAYMENT]
    if order.subject_id:
        unpaid += Order.objects.filter(subject=order.subject_id, status=OrderStatus.PENDING_PAYMENT)
    for change in sorted(unpaid, key=lambda one: one.pk):
        cancel_outdated(change, reason=f"Order {order.number}, on which it is based, was taken back.", at=at)
    for change in on_top:
        if change.status == OrderStatus.PROCESSING:
            end_with_refund(change, amount=None, reason=reason, by=by, at=at)


def refund_finished(order: Order, *, amount: Money, at: datetime) -> Order:
    """MONEY reports: `amount` is back with the buyer. A refunding order is refunded with the last of its refunds.

    An `amount` of 0 says that there is nothing to give back.
    """
    with transaction.atomic():
        order = order_locked(order)
        if order.status == OrderStatus.REFUNDING and not ports.money().refunds_under_way(order):
            order.finish_refund()
            order.save(update_fields=["status"])
        if amount:
            publish(OrderRefunded(order_number=order.number, amount=amount.display()), at=at)
        else:
            publish(OrderTakenBack(order_number=order.number), at=at)
    return order


def refund_reopened(order: Order, *, at: datetime) -> Order:
    """MONEY reports: what had been given back did not reach the buyer. A refunded order is refunding again."""
    with transaction.atomic():
        order = order_locked(order)
        if order.status == OrderStatus.REFUNDED:
            order.reopen_refund()
            order.save(update_fields=["status"])
    return order


def delivery_failed(order: Order, *, deliverer: str, reason: str, by: Actor, at: datetime) -> Order:
    """One deliverer failed for good: abort the others, cancel the order, give the money back (guide 3.3 NOTE).

    Raises:
        InvalidTransition: that part is not under way.
    """
    with transaction.atomic():
        order = order_locked(order)
        ports.refuse_frozen(order)
        part = _part(order, deliverer)
        part.fail(at)
        part.save(update_fields=["status", "ended_at"])
        held = ports.money().refundable(order)
        _end_parts(order, reason=reason, by=by, at=at)
        order.cancel_undeliverable(at, reason)
        order.save(update_fields=["status", "cancelled_at", "cancel_reason", "completes_at"])
        ports.money().return_coupon(order, by=by, at=at)
        if held:
            ports.money().refund(order, held, reason=reason, by=by, at=at)
        ports.money().ended(order, by=by, at=at)
        publish(OrderCancelled(order_number=order.number, reason=reason), at=at)
    return order
