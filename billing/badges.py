"""How the statuses of orders and payments look (UX 3.4)."""

from django.utils.translation import gettext_lazy as _

from billing.choices import PaymentStatus, RefundStatus, StatementStatus, UnsubscriptionStatus, UsageBillStatus
from billing.invoices.choices import InvoiceStatus
from billing.rules import CHARGED_BACK, IN_DISPUTE
from koogallery.kernel.web.badges import Badge, register
from orders.choices import OrderStatus

register(
    "order",
    {
        OrderStatus.PENDING_PAYMENT: Badge("warn", "clock"),
        OrderStatus.PROCESSING: Badge("info", "refresh"),
        OrderStatus.COMPLETED: Badge("ok", "circle-check"),
        OrderStatus.CANCELLED: Badge("neutral", "ban"),
        OrderStatus.REFUNDING: Badge("warn", "arrow-back-up"),
        OrderStatus.REFUNDED: Badge("neutral", "arrow-back-up"),
    },
)
register(
    "payment",
    {
        PaymentStatus.CREATED: Badge("info", "clock"),
        PaymentStatus.AUTHORISING: Badge("info", "refresh"),
        PaymentStatus.ACTION_REQUIRED: Badge("warn", "alert-triangle"),
        PaymentStatus.SUCCEEDED: Badge("ok", "circle-check"),
        PaymentStatus.FAILED: Badge("bad", "x"),
        PaymentStatus.REFUNDING: Badge("warn", "arrow-back-up"),
        PaymentStatus.REFUNDED: Badge("neutral", "arrow-back-up"),
        PaymentStatus.PARTLY_REFUNDED: Badge("neutral", "arrow-back-up"),
        IN_DISPUTE: Badge("warn", "alert-triangle", _("In dispute")),
        CHARGED_BACK: Badge("neutral", "arrow-back-up", _("Charged back")),
    },
)
register(
    "refund",
    {
        RefundStatus.CREATED: Badge("warn", "arrow-back-up", _("On its way")),
        RefundStatus.SUCCEEDED: Badge("ok", "circle-check", _("Given back")),
        RefundStatus.FAILED: Badge("warn", "arrow-back-up", _("On its way")),
    },
)
register(
    "statement",
    {
        StatementStatus.OPEN: Badge("info", "clock"),
        StatementStatus.OVERDUE: Badge("bad", "alert-triangle"),
        StatementStatus.PAID: Badge("ok", "circle-check"),
    },
)
register(
    "unsubscription",
    {
        UnsubscriptionStatus.IN_REVIEW: Badge("info", "hourglass"),
        UnsubscriptionStatus.DONE: Badge("neutral", "circle-check"),
        UnsubscriptionStatus.DECLINED: Badge("bad", "x"),
    },
)
register(
    "invoice",
    {
        InvoiceStatus.PENDING_REVIEW: Badge("info", "clock"),
        InvoiceStatus.REJECTED: Badge("bad", "x"),
        InvoiceStatus.CANCELLED: Badge("neutral", "ban"),
        InvoiceStatus.ISSUING: Badge("info", "refresh"),
        InvoiceStatus.ISSUED: Badge("ok", "circle-check"),
        InvoiceStatus.RETURNING: Badge("warn", "arrow-back-up"),
        InvoiceStatus.RETURN_REJECTED: Badge("bad", "circle-x"),
        InvoiceStatus.RETURNED: Badge("neutral", "arrow-back-up"),
    },
)
register(
    "usage_bill",
    {
        UsageBillStatus.OPEN: Badge("info", "refresh"),
        UsageBillStatus.ARREARS: Badge("bad", "alert-triangle"),
        UsageBillStatus.PAID: Badge("ok", "circle-check"),
        UsageBillStatus.CREDITED: Badge("ok", "arrow-back-up"),
    },
)
