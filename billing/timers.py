"""What becomes due by itself on payments."""

from django.db.models import Q

from billing.choices import OPEN_PAYMENTS
from billing.models import Payment
from billing.services import ask_about_payment
from koogallery.kernel.timers import Timer, register

register(
    Timer(
        name="ask_about_payments",
        model=Payment,
        due_column="ask_gateway_at",
        open=Q(status__in=OPEN_PAYMENTS, ask_gateway_at__isnull=False),
        fire=ask_about_payment,
    )
)
