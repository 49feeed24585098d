"""Cards, payments, refunds, and the journal that they post to."""

from billing.models.journal import JournalEntry, Posting
from billing.models.payments import (
    NOT_ARRIVED,
    Payment,
    PaymentAllocation,
    PaymentMethod,
    Refund,
)
from billing.models.sandbox import SandboxCard, SandboxCharge

__all__ = [
    "NOT_ARRIVED",
    "JournalEntry",
    "Payment",
    "PaymentAllocation",
    "PaymentMethod",
    "Posting",
    "Refund",
    "SandboxCard",
    "SandboxCharge",
]
