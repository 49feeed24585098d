"""The one lock: every verb on an order's payment, flow, delivery or refund takes the order's row first."""

from orders.models import Order
from orders.reads import LOCKED


def order_locked(order: Order | int) -> Order:
    """The order, read afresh under its row lock; call it inside a transaction.

    Raises:
        Order.DoesNotExist: there is no such order.
    """
    return LOCKED.get(pk=order if isinstance(order, int) else order.pk)
