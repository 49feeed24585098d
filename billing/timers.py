"""What becomes due by itself on payments."""

from django.db.models import Q

from billing.choices import (
    OPEN_PAYMENTS,
    ProposalStatus,
    RefundStatus,
    StatementStatus,
    UnsubscriptionStatus,
    UsageBillStatus,
)
from billing.models import (
    CreditLine,
    GatewayMessage,
    Payment,
    PaymentMethod,
    Reconciliation,
    Refund,
    RefundProposal,
    SandboxWebhook,
    Statement,
    Unsubscription,
    UsageAccount,
    UsageBill,
)
from billing.services import (
    approve_due_unsubscription,
    ask_about_payment,
    ask_about_refund,
    bill_month,
    fall_overdue,
    freeze_for_debt,
    freeze_servers,
    issue_statement,
    lapse_proposal,
    release_servers,
    warn_of_arrears,
    warn_of_debt,
)
from billing.services.cards import warn_of_expiry
from billing.services.reconciling_daily import start_reconciliation
from billing.services.sandbox import send_sandbox_webhook
from billing.services.webhooks import match_early_dispute
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
register(
    Timer(
        name="ask_about_refunds",
        model=Refund,
        due_column="ask_gateway_at",
        open=Q(status=RefundStatus.CREATED, ask_gateway_at__isnull=False),
        fire=ask_about_refund,
    )
)
register(
    Timer(
        name="match_early_disputes",
        model=GatewayMessage,
        due_column="match_at",
        open=Q(match_at__isnull=False),
        fire=match_early_dispute,
    )
)
register(
    Timer(
        name="bill_usage",
        model=UsageAccount,
        due_column="next_bill_at",
        open=Q(next_bill_at__isnull=False),
        fire=bill_month,
        # After the month's last hour is recorded, before the statement on which it may stand.
        rank=-5,
    )
)
register(
    Timer(
        name="warn_of_arrears",
        model=UsageBill,
        due_column="notice_at",
        open=Q(status=UsageBillStatus.ARREARS, notice_at__isnull=False),
        fire=warn_of_arrears,
    )
)
register(
    Timer(
        name="freeze_servers_in_arrears",
        model=UsageBill,
        due_column="freezes_at",
        open=Q(status=UsageBillStatus.ARREARS, froze_at=None),
        fire=freeze_servers,
    )
)
register(
    Timer(
        name="release_servers_in_arrears",
        model=UsageBill,
        due_column="releases_at",
        open=Q(status=UsageBillStatus.ARREARS, froze_at__isnull=False, released_at=None),
        fire=release_servers,
    )
)
register(
    Timer(
        name="reconcile",
        model=Reconciliation,
        due_column="due_at",
        open=Q(due_at__isnull=False),
        fire=start_reconciliation,
    )
)
register(
    Timer(
        name="issue_statements",
        model=CreditLine,
        due_column="next_statement_at",
        open=Q(next_statement_at__isnull=False),
        fire=issue_statement,
    )
)
register(
    Timer(
        name="statements_fall_overdue",
        model=Statement,
        due_column="due_at",
        open=Q(status=StatementStatus.OPEN),
        fire=fall_overdue,
    )
)
register(
    Timer(
        name="warn_of_debt",
        model=Statement,
        due_column="notice_at",
        open=Q(status__in=[StatementStatus.OPEN, StatementStatus.OVERDUE], notice_at__isnull=False),
        fire=warn_of_debt,
    )
)
register(
    Timer(
        name="freeze_for_debt",
        model=Statement,
        due_column="freezes_at",
        open=Q(status=StatementStatus.OVERDUE, froze_at=None),
        fire=freeze_for_debt,
    )
)
register(
    Timer(
        name="lapse_refund_proposals",
        model=RefundProposal,
        due_column="lapses_at",
        open=Q(status=ProposalStatus.AWAITING_CONSENT),
        fire=lapse_proposal,
    )
)
register(
    Timer(
        name="approve_unsubscriptions",
        model=Unsubscription,
        due_column="reviewed_until",
        open=Q(status=UnsubscriptionStatus.IN_REVIEW),
        fire=approve_due_unsubscription,
    )
)
register(
    Timer(
        name="send_sandbox_webhooks",
        model=SandboxWebhook,
        due_column="due_at",
        open=Q(due_at__isnull=False),
        fire=send_sandbox_webhook,
    )
)
register(
    Timer(
        name="warn_of_card_expiry",
        model=PaymentMethod,
        due_column="expiry_notice_at",
        open=Q(unbound_at=None, expiry_notice_at__isnull=False),
        fire=warn_of_expiry,
    )
)
