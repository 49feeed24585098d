"""The one lock: every verb on an order's payment, flow, delivery or refund takes the order's row first."""

from orders.models import Order


def order_locked(order: Order | int) -> Order:
    """The order, read afresh under its row lock; call it inside a transaction.

    Raises:
        Order.DoesNotExist: there is no such order.
    """
    pk = order if isinstance(order, int) else order.pk
    return Order.objects.select_for_update(of=("self",)).select_related("account", "seller", "product").get(pk=pk)
