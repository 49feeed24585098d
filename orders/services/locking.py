"""The one lock: every verb on an order's payment, flow, delivery or refund takes the order's row first."""

from collections.abc import Collection

from orders.models import Order
from orders.reads import LOCKED, LOCKED_ALONE, SEVERAL_LOCKED_ALONE


def order_locked(order: Order | int) -> Order:
    """The order, read afresh under its row lock; call it inside a transaction.

    Raises:
        Order.DoesNotExist: there is no such order.
    """
    return LOCKED.get(pk=order if isinstance(order, int) else order.pk)


def order_locked_alone(pk: int) -> Order:
    """The same without account, seller and product beside it, for verbs that need only their numbers.

    Raises:
        Order.DoesNotExist: there is no such order.
    """
    return LOCKED_ALONE.get(pk=pk)


def orders_locked_alone(pks: Collection[int]) -> dict[int, Order]:
    """The same for several, by their numbers, for timers that fire together. Waits for none.

    Raises:
        OperationalError: somebody has one of them.
    """
    return {order.pk: order for order in SEVERAL_LOCKED_ALONE.all(pks=list(pks))}
