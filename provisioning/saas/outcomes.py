"""What became of a try: the instance is there, or is asked for again, or its order ends."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from accounts.actor import Actor
from accounts.models import Seller
from catalog.models import Product
from koogallery.kernel import backoff
from koogallery.kernel.outbox import publish
from orders import services as orders
from orders.choices import DeliveryStatus
from orders.models import Order
from orders.ports import ApplicationGiven
from provisioning import services as applications
from provisioning.models import Application
from provisioning.saas import words
from provisioning.saas.answers import Outcome, Verdict
from provisioning.saas.calls import ORDERS_OWN, ask, call_locked, cancel_waiting, settled
from provisioning.saas.events import (
    InstanceNotDelivered,
    InstanceReady,
    InterfaceCallFailed,
    InterfaceCallGivenUp,
    ProductDelisted,
)
from provisioning.saas.models import Call, CallStatus, Exchange, Instance, InstanceStatus, ProductInterface, SellerLine
from provisioning.saas.words import Activity

DELIVERER = "saas"
# While a seller says that he works on it he is asked at least so often.
LONGEST_POLL = timedelta(minutes=5)
LONGEST_ERROR = 500
MACHINE = Actor.system("production interface")


@sensitive_variables()
def record_outcome(pk: int, request: str, verdict: Verdict, *, seconds: float, at: datetime) -> None:
    """Write a try down with everything that follows from it."""
    with transaction.atomic():
        call = call_locked(pk)
        if call.status == CallStatus.WAITING and verdict.outcome is Outcome.DONE:
            verdict = _check_instance(call, verdict)
        error = " ".join(verdict.faults)[:LONGEST_ERROR]
        Exchange.objects.create(
            call=call,
            request=request,
            status=verdict.status,
            answer=verdict.shown,
            fault=error,
            milliseconds=int(seconds * 1000),
        )
        _note_line(call.seller, verdict.reached, at)
        if call.status != CallStatus.WAITING:
            _too_late(call, verdict, at)
            return
        call.tries += 1
        call.code = verdict.code
        call.refused_keys += verdict.code == words.AUTH_FAILED
        if verdict.outcome is Outcome.DONE:
            _done(call, verdict, at)
            return
        again = backoff.next_try(call.tries, at)
        if verdict.outcome is Outcome.PROCESSING:
            call.error, call.next_try_at = "", min(again, at + LONGEST_POLL)
        else:
            call.error, call.next_try_at = error, again
            label = str(Activity(call.activity).label)
            publish(InterfaceCallFailed(order_number=call.order.number, activity=label, error=error), at=at)
        call.save(update_fields=["tries", "refused_keys", "code", "error", "next_try_at"])


def _check_instance(call: Call, verdict: Verdict) -> Verdict:
    """An answer must not name another order's instance, nor another one than it named before."""
    given, known = verdict.instance_id, call.instance.instance_id
    if call.activity != Activity.CREATE or not given or given == known:
        return verdict
    fault = ""
    if known:
        fault = f"instanceId must be the same for the same order: {known} before."
    elif Instance.objects.filter(seller=call.seller_id, instance_id=given).exclude(pk=call.instance_id).exists():
        fault = "instanceId belongs to another order."
    if not fault:
        return verdict
    return Verdict(Outcome.FAILED, (fault,), verdict.code, shown=verdict.shown, status=verdict.status)


def _note_line(seller: Seller, reached: bool, at: datetime) -> None:
    """Count calls in a row without an answer; after some the seller is left alone, each time for longer."""
    if reached:
        SellerLine.objects.filter(seller=seller, failures__gt=0).update(failures=0, rests_until=None)
        return
    SellerLine.objects.get_or_create(seller=seller)
    line = SellerLine.objects.select_for_update(of=("self",)).get(seller=seller)
    line.failures += 1
    over = line.failures - settings.SELLER_LINE_BREAKS_AFTER
    if over >= 0:
        rest = settings.SELLER_LINE_RESTS * 2 ** min(over, 10)
        line.rests_until = at + min(rest, settings.SELLER_LINE_RESTS_MOST)
    line.save()


def _too_late(call: Call, verdict: Verdict, at: datetime) -> None:
    """The order ended while the seller was asked: what he made after all is released."""
    instance = call.instance
    if call.activity == Activity.CREATE and verdict.instance_id and instance.is_over and not instance.instance_id:
        taken = Instance.objects.filter(seller=call.seller_id, instance_id=verdict.instance_id)
        if not taken.exists():
            instance.instance_id = verdict.instance_id
            instance.save(update_fields=["instance_id"])
            ask(instance, Activity.RELEASE, order=call.order, ended_early=True, at=at)


@sensitive_variables()
def _done(call: Call, verdict: Verdict, at: datetime) -> None:
    call.finish(at)
    settled(call, at=at)
    instance = call.instance
    if call.activity == Activity.CREATE:
        instance.instance_id = verdict.instance_id
        instance.save(update_fields=["instance_id"])
        if instance.is_over:
            ask(instance, Activity.RELEASE, order=call.order, ended_early=True, at=at)
            return
        if verdict.application is None:
            ask(instance, Activity.QUERY, order=call.order, at=at, give_up_at=call.give_up_at)
    if verdict.application is not None:
        _instance_ready(call, verdict.application, at)
    elif call.activity == Activity.UPGRADE:
        _part_done(call.order, at)
    elif call.activity == Activity.REFRESH:
        instance.told_expires_at = call.expires_at
        instance.save(update_fields=["told_expires_at"])


@sensitive_variables()
def _instance_ready(call: Call, given: ApplicationGiven, at: datetime) -> None:
    """The buyer can log in: what with is his at once, and where people accept nothing his term begins."""
    instance = call.instance
    app = instance.subscription
    newest = Application.objects.of([app]).last()
    if newest is None or _differs(newest, given):
        applications.give_application([app], given, by=MACHINE, at=at)
        applications.hand_over_application([app], at=at)
    if instance.status != InstanceStatus.CREATING:
        return
    instance.deliver(at)
    instance.save(update_fields=["status", "ready_at"])
    publish(InstanceReady(order_number=call.order.number), at=at)
    _part_done(call.order, at)


def _under_way(order: Order) -> bool:
    """Whether the order waits for us: it may have been ended in part meanwhile."""
    return order.deliveries.filter(deliverer=DELIVERER, status=DeliveryStatus.STARTED).exists()


def _part_done(order: Order, at: datetime) -> None:
    if _under_way(order):
        orders.delivery_done(order, deliverer=DELIVERER, accepted=False, by=MACHINE, at=at)


@sensitive_variables()
def _differs(kept: Application, given: ApplicationGiven) -> bool:
    password = kept.password.password.reveal() if hasattr(kept, "password") else ""
    memo = kept.memo.memo.reveal() if hasattr(kept, "memo") else ""
    known = ApplicationGiven(kept.username, password, kept.frontend_url, kept.management_url, memo)
    return known != given


def give_up(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: a call has been tried for its time. An order that hangs on it ends and is refunded (RULES 2.5)."""
    with transaction.atomic():
        call = call_locked(pk)
        if call.status != CallStatus.WAITING or call.give_up_at > at:
            return
        call.error = call.error or "The seller's server did not finish in time."
        call.fail(at)
        settled(call, at=at)
        number, label = call.order.number, str(Activity(call.activity).label)
        if call.activity not in ORDERS_OWN or not _under_way(call.order):
            publish(InterfaceCallGivenUp(order_number=number, activity=label, error=call.error), at=at)
            return
        what = "upgrade" if call.activity == Activity.UPGRADE else "create"
        reason = f"The seller's server did not {what} the instance within {_hours(settings.INSTANCE_TRIED_FOR)}."
        publish(InstanceNotDelivered(order_number=number, error=call.error), at=at)
        orders.delivery_failed(call.order, deliverer=DELIVERER, reason=reason, by=by, at=at)
        _delist_if_too_many(call.product, call.order, at)


def _hours(period: timedelta) -> str:
    hours = period / timedelta(hours=1)
    return f"{hours:g} hour{'' if hours == 1 else 's'}"


def _delist_if_too_many(product: Product, order: Order, at: datetime) -> None:
    """Too many orders of a product failed lately: nobody buys it until operations lift that (RULES 2.5)."""
    interface = ProductInterface.objects.select_for_update(of=("self",)).filter(product=product).first()
    if interface is None or interface.delisted_at is not None:
        return
    since = max(at - settings.FAILED_ORDERS_WINDOW, interface.counted_from or at - settings.FAILED_ORDERS_WINDOW)
    failed = Call.objects.filter(
        product=product, status=CallStatus.FAILED, activity__in=ORDERS_OWN, ended_at__gt=since, ended_at__lte=at
    )
    if failed.values("order").distinct().count() <= settings.FAILED_ORDERS_MOST:
        return
    product = Product.objects.select_for_update(of=("self",)).get(pk=product.pk)
    interface.delisted_at, interface.was_public = at, product.public_sales
    interface.save(update_fields=["delisted_at", "was_public"])
    product.public_sales = False
    product.save(update_fields=["public_sales"])
    publish(ProductDelisted(order_number=order.number), at=at)


def _in_doubt(instance: Instance) -> Call | None:
    """The creation that was tried and got no answer that could be read, so that nobody knows what came of it."""
    rows = Call.objects.select_for_update(of=("self",)).waiting().filter(instance=instance)
    return rows.filter(activity=Activity.CREATE, tries__gt=0, code="").first()


def end_instance(instance: Instance, *, order: Order, at: datetime, ended_early: bool) -> None:
    """It is not wanted any more: nothing else is asked of it, and what the seller made is deleted there."""
    doubtful = None if instance.instance_id else _in_doubt(instance)
    if doubtful is not None:
        # He may have made it and his answer was lost: he is asked once more, only to have it deleted.
        doubtful.give_up_at = at + settings.INSTANCE_CHANGE_TRIED_FOR
        doubtful.save(update_fields=["give_up_at"])
    cancel_waiting(instance, at=at, but=doubtful.pk if doubtful else 0)
    if instance.is_over:
        return
    made = bool(instance.instance_id)
    if instance.status == InstanceStatus.CREATING:
        instance.give_up(at)
    else:
        instance.release(at)
    instance.save(update_fields=["status", "ended_at"])
    if made:
        ask(instance, Activity.RELEASE, order=order, ended_early=ended_early, at=at)
