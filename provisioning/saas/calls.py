"""The verbs of calls: asking for one, making way for it, settling it. All under the lock of order or subscription."""

import random
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidTransition, NotFound
from koogallery.kernel.outbox import publish
from orders import services as orders
from orders.models import Order, Subscription
from provisioning.saas.events import CallDue
from provisioning.saas.models import Call, CallStatus, Instance
from provisioning.saas.words import Activity, Scene

# What an order hangs on: tried for three hours, then the order ends and is refunded (RULES 2.5).
ORDERS_OWN = (Activity.CREATE, Activity.QUERY, Activity.UPGRADE)
# Not all at once when a seller's line opens again.
SPREAD = timedelta(seconds=5)


def tried_for(activity: str) -> timedelta:
    """For how long a call is tried (RULES 2.5)."""
    own: timedelta = settings.INSTANCE_TRIED_FOR
    others: timedelta = settings.INSTANCE_CHANGE_TRIED_FOR
    return own if activity in ORDERS_OWN else others


def ask(
    instance: Instance,
    activity: Activity,
    *,
    order: Order,
    at: datetime,
    expires_at: datetime | None = None,
    scene: Scene | None = None,
    ended_early: bool = False,
    give_up_at: datetime | None = None,
) -> Call:
    """Ask the seller for something; it is made after the transaction, and after earlier calls of the instance."""
    first = not Call.objects.waiting().filter(instance=instance).exists()
    call = Call.objects.create(
        seller_id=instance.seller_id,
        product_id=order.product_id,
        instance=instance,
        order=order,
        activity=activity,
        scene=scene or "",
        expires_at=expires_at,
        ended_early=ended_early,
        created_at=at,
        give_up_at=give_up_at or at + tried_for(activity),
    )
    if first:
        publish(CallDue(call=call.public_id, lane=call.lane), at=at)
    return call


def call_locked(pk: int) -> Call:
    """The call, read afresh under the locks of its order, where it is its order's own, its subscription and itself."""
    known = Call.objects.filter(pk=pk).values_list("order_id", "activity", "instance__subscription_id")
    order, activity, app = known.get()
    if activity in ORDERS_OWN:
        orders.order_locked(order)
    Subscription.objects.select_for_update(of=("self",)).get(pk=app)
    rows = Call.objects.select_for_update(of=("self", "instance"))
    return rows.select_related("instance__subscription", "order", "seller", "product").get(pk=pk)


def settled(call: Call, *, at: datetime) -> None:
    """A call has ended in some way: the next one of its instance is due."""
    call.save(update_fields=["status", "ended_at", "next_try_at", "error", "code", "tries", "refused_keys"])
    following = Call.objects.waiting().filter(instance=call.instance_id, next_try_at=None).order_by("id").first()
    if following is not None and following.pk != call.pk:
        publish(CallDue(call=following.public_id, lane=following.lane), at=at)


def cancel_waiting(instance: Instance, *activities: Activity, at: datetime, but: int = 0) -> None:
    """What was asked of an instance and is not wanted any more; all of it but one call, or these activities."""
    rows = Call.objects.select_for_update(of=("self",)).waiting().filter(instance=instance).exclude(pk=but)
    rows = rows.order_by("id")
    for call in rows.filter(activity__in=activities) if activities else rows:
        call.cancel(at)
        settled(call, at=at)


def try_again(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: the next try of a call is due. It is made outside, after this transaction."""
    with transaction.atomic():
        call = Call.objects.select_for_update(of=("self",)).get(pk=pk)
        if call.status == CallStatus.WAITING and call.next_try_at is not None and call.next_try_at <= at:
            call.next_try_at = None
            call.save(update_fields=["next_try_at"])
            publish(CallDue(call=call.public_id, lane=call.lane), at=at)


def spread(at: datetime) -> datetime:
    """A moment soon after `at`."""
    return at + SPREAD * random.random()


def replay_refusal(call: Call) -> str | None:
    """Why the seller may not have a call made again, or None."""
    if call.status == CallStatus.WAITING:
        return "This call is in progress; it is tried again by itself."
    if call.status == CallStatus.CANCELLED:
        return "This call is no longer needed."
    if call.status == CallStatus.FAILED and call.activity in ORDERS_OWN:
        return "The order of this call was canceled and refunded."
    if call.instance.is_over and call.activity != Activity.RELEASE:
        return "The instance of this call is over."
    newer = Call.objects.filter(instance=call.instance_id, pk__gt=call.pk).exclude(status=CallStatus.CANCELLED)
    if call.activity not in (Activity.CREATE, Activity.QUERY) and newer.exists():
        return "Something else was asked of the instance since. Replay the newest call."
    return None


def replay(call: Call, *, by: Actor, at: datetime | None = None) -> Call:
    """The seller has a call made again ("Restart Debugging"): with the same businessId, for an hour.

    A creation that was successful is asked for again too, which brings what the seller changed about how to log in.

    Raises:
        NotFound: another seller's. InvalidTransition: it is under way, or not needed any more.
    """
    at = at or clock.now()
    if by.seller_id is not None and by.seller_id != call.seller_id:
        raise NotFound
    with transaction.atomic():
        call = call_locked(call.pk)
        if refusal := replay_refusal(call):
            raise InvalidTransition(refusal)
        first = not Call.objects.waiting().filter(instance=call.instance_id).exists()
        call.restart(at + settings.INSTANCE_CHANGE_TRIED_FOR)
        call.save(update_fields=["status", "ended_at", "tries", "give_up_at"])
        if first:
            publish(CallDue(call=call.public_id, lane=call.lane), at=at)
    return call
