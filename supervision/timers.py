"""What becomes due by itself on service flows, their files and their appeals."""

from django.db.models import Q

from koogallery.kernel.timers import Timer, register
from supervision.choices import ENDED, UNANSWERED, AppealStatus, FlowStatus, RulingStatus, StatementStatus
from supervision.models import Appeal, Ruling, ServiceFlow, StatementRequest, StorageDay, Upload
from supervision.services import (
    accept_silent_delivery,
    bring_into_effect,
    close_overdue_flow,
    close_overdue_flows,
    escalate_appeal,
    lapse_ruling,
    miss_statement,
    send_due_notice,
    send_due_notices,
)
from supervision.services.sweeping import sweep_storage_day
from supervision.services.uploads import expire_upload

register(
    Timer(
        name="close_overdue_flows",
        model=ServiceFlow,
        due_column="closes_at",
        # A flow under appeal does not end before the decision is in effect, whose end it then is.
        open=~Q(status__in=[*ENDED, FlowStatus.UNDER_APPEAL]),
        fire=close_overdue_flow,
        together=close_overdue_flows,
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
        together=send_due_notices,
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
register(
    Timer(
        name="miss_statements",
        model=StatementRequest,
        due_column="due_at",
        open=Q(status=StatementStatus.ASKED),
        fire=miss_statement,
    )
)
register(
    Timer(
        name="escalate_appeals",
        model=Appeal,
        due_column="answer_due_at",
        open=Q(status__in=UNANSWERED, escalated_at=None),
        fire=escalate_appeal,
    )
)
register(
    Timer(
        name="lapse_rulings",
        model=Ruling,
        due_column="lapses_at",
        open=Q(status=RulingStatus.AWAITING_CONSENT),
        fire=lapse_ruling,
    )
)
register(
    Timer(
        name="appeal_decisions_take_effect",
        model=Appeal,
        due_column="takes_effect_at",
        open=Q(status=AppealStatus.ANNOUNCED),
        fire=bring_into_effect,
    )
)
