"""Cards, payments, refunds, credit, and the journal that they post to."""

from billing.invoices.models import (
    Invoice,
    InvoiceDocument,
    InvoiceHeader,
    InvoiceItem,
    InvoiceRecord,
    InvoiceSeal,
    Issuer,
    IssuerCounter,
)
from billing.models.credit import AccountBalance, CreditLine, Statement
from billing.models.journal import JournalEntry, PostedByHand, Posting
from billing.models.operations import (
    Dispute,
    GatewayCustomer,
    GatewayMessage,
    ProductFee,
    Reconciliation,
    RefundProposal,
    charge_backs_of,
)
from billing.models.payments import (
    NOT_ARRIVED,
    Payment,
    PaymentAllocation,
    PaymentMethod,
    Refund,
)
from billing.models.sandbox import SandboxCard, SandboxCharge, SandboxWebhook
from billing.models.unsubscriptions import UnsubscribedTerm, Unsubscription
from billing.models.usage import UsageAccount, UsageBill, UsageBillLine

__all__ = [
    "NOT_ARRIVED",
    "AccountBalance",
    "CreditLine",
    "Dispute",
    "GatewayCustomer",
    "GatewayMessage",
    "Invoice",
    "InvoiceDocument",
    "InvoiceHeader",
    "InvoiceItem",
    "InvoiceRecord",
    "InvoiceSeal",
    "Issuer",
    "IssuerCounter",
    "JournalEntry",
    "Payment",
    "PaymentAllocation",
    "PaymentMethod",
    "PostedByHand",
    "Posting",
    "ProductFee",
    "Reconciliation",
    "Refund",
    "RefundProposal",
    "SandboxCard",
    "SandboxCharge",
    "SandboxWebhook",
    "Statement",
    "UnsubscribedTerm",
    "Unsubscription",
    "UsageAccount",
    "UsageBill",
    "UsageBillLine",
    "charge_backs_of",
]
