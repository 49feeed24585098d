"""What becomes due by itself on orders."""

from django.db.models import Q

from koogallery.kernel.timers import Timer, register
from orders.choices import OrderStatus
from orders.models import Order
from orders.services import cancel_unpaid_order, complete_due_order, complete_due_orders

register(
    Timer(
        name="complete_accepted_orders",
        model=Order,
        due_column="completes_at",
        open=Q(status=OrderStatus.PROCESSING, completes_at__isnull=False),
        fire=complete_due_order,
        together=complete_due_orders,
    )
)
register(
    Timer(
        name="cancel_unpaid_orders",
        model=Order,
        due_column="unpaid_until",
        open=Q(status=OrderStatus.PENDING_PAYMENT),
        fire=cancel_unpaid_order,
    )
)
