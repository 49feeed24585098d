"""What becomes due by itself in provisioning."""

from django.db.models import Q

from koogallery.kernel.timers import Timer, register
from provisioning.saas import calls, outcomes
from provisioning.saas.models import Call, CallStatus

register(
    Timer(
        name="call_sellers_again",
        model=Call,
        due_column="next_try_at",
        open=Q(status=CallStatus.WAITING, next_try_at__isnull=False),
        fire=calls.try_again,
    )
)
register(
    Timer(
        name="give_up_calls",
        model=Call,
        due_column="give_up_at",
        open=Q(status=CallStatus.WAITING),
        fire=outcomes.give_up,
    )
)
