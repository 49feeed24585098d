"""The words of payments and of the journal."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PaymentStatus(models.TextChoices):
    """A payment's life (API.md)."""

    CREATED = "created", _("Created")
    AUTHORISING = "authorising", _("Authorizing")
    ACTION_REQUIRED = "action_required", _("Action required")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    REFUNDING = "refunding", _("Refunding")
    REFUNDED = "refunded", _("Refunded")
    PARTLY_REFUNDED = "partly_refunded", _("Partly refunded")


OPEN_PAYMENTS = (PaymentStatus.CREATED, PaymentStatus.AUTHORISING, PaymentStatus.ACTION_REQUIRED)
TAKEN_PAYMENTS = (
    PaymentStatus.SUCCEEDED,
    PaymentStatus.REFUNDING,
    PaymentStatus.REFUNDED,
    PaymentStatus.PARTLY_REFUNDED,
)


class PaymentMethodKind(models.TextChoices):
    """How an order is paid (`method` of API.md)."""

    CARD = "card", _("Credit card")


class RefundStatus(models.TextChoices):
    """A refund's life: recorded with the decision, carried out through the outbox."""

    CREATED = "created", _("Created")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")


class EntryKind(models.TextChoices):
    """Why the journal has an entry."""

    CHARGE = "charge", _("A card was charged")
    RELEASE = "release", _("An order was completed")
    REFUND_OWED = "refund_owed", _("A refund was decided")
    REFUND_PAID = "refund_paid", _("A refund was paid out")


class Ledger(models.TextChoices):
    """The accounts of the journal. A positive posting is a debit, a negative one a credit.

    `gateway` is an asset: money at the card processor. The others are liabilities: what is held for buyers until
    their orders are completed, what sellers have earned, what is on its way back to buyers.
    """

    GATEWAY = "gateway", _("Money at the card processor")
    HELD = "held", _("Held for orders")
    SELLER_PAYABLE = "seller_payable", _("Payable to sellers")
    REFUNDS_OWED = "refunds_owed", _("Refunds on their way")
