"""What becomes due by itself on service flows and their files."""

from django.db.models import Q

from koogallery.kernel.timers import Timer, register
from supervision.choices import ENDED, FlowStatus
from supervision.models import ServiceFlow, StorageDay, Upload
from supervision.services import accept_silent_delivery, close_overdue_flow, send_due_notice
from supervision.services.sweeping import sweep_storage_day
from supervision.services.uploads import expire_upload

register(
    Timer(
        name="close_overdue_flows",
        model=ServiceFlow,
        due_column="closes_at",
        open=~Q(status__in=ENDED),
        fire=close_overdue_flow,
    )
)

register(Timer(name="expire_uploads", model=Upload, due_column="expires_at", open=Q(), fire=expire_upload))

# Rolled-back transactions and killed processes leave files without a row.
register(
    Timer(name="sweep_stored_files", model=StorageDay, due_column="due_at", open=Q(), fire=sweep_storage_day, rank=9)
)
register(
    Timer(
        name="send_flow_notices",
        model=ServiceFlow,
        due_column="next_notice_at",
        open=Q(next_notice_at__isnull=False),
        fire=send_due_notice,
    )
)
# A reminder that is due at the same instant comes first.
register(
    Timer(
        name="accept_silent_deliveries",
        model=ServiceFlow,
        due_column="accepts_at",
        open=Q(status=FlowStatus.AWAITING_ACCEPTANCE, accepts_at__isnull=False),
        fire=accept_silent_delivery,
        rank=1,
    )
)
