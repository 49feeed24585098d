"""An order is completed: what was held for it becomes payable to the seller."""

from datetime import datetime

from accounts.actor import Actor
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import update
from orders import ports
from orders.events import OrderCompleted
from orders.models import Order


def complete_locked(order: Order, *, by: Actor, at: datetime, unwritten: tuple[str, ...] = ()) -> None:
    """Complete a processing order that is locked in this transaction.

    Args:
        unwritten: fields that a step before set and left to be stored with this one.
    """
    order.complete(at)
    update(order, "status", "completed_at", *unwritten)
    ports.money().release(order, by=by, at=at)
    publish(OrderCompleted(order_number=order.number, kind=order.kind), at=at)
