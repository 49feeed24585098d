"""An order is completed: what was held for it becomes payable to the seller."""

from datetime import datetime

from accounts.actor import Actor
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import update
from orders import ports
from orders.events import OrderCompleted
from orders.models import Order


def complete_locked(order: Order, *, by: Actor, at: datetime) -> None:
    """Complete a processing order that is locked in this transaction."""
    order.complete(at)
    update(order, "status", "completed_at")
    ports.money().release(order, by=by, at=at)
    publish(OrderCompleted(order_number=order.number), at=at)
