"""What becomes due by itself on service flows."""

from django.db.models import Q

from koogallery.kernel.timers import Timer, register
from supervision.choices import ENDED
from supervision.models import ServiceFlow
from supervision.services import close_overdue_flow

register(
    Timer(
        name="close_overdue_flows",
        model=ServiceFlow,
        due_column="closes_at",
        open=~Q(status__in=ENDED),
        fire=close_overdue_flow,
    )
)
