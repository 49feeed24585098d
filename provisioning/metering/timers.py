"""An hour is over."""

from django.db.models import Q

from koogallery.kernel.timers import Timer, register
from provisioning.metering.models import MeterClock
from provisioning.metering.recording import record_hours

register(
    Timer(
        name="record_usage",
        model=MeterClock,
        due_column="next_at",
        open=Q(next_at__isnull=False),
        fire=record_hours,
        # What is billed at the same instant has its last hour recorded.
        rank=-10,
    )
)
