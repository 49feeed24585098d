"""The words of orders and subscriptions: API.md's codes with the labels of UX 3.4."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class OrderStatus(models.TextChoices):
    """A paid order stays `processing` until what it bought is delivered, accepted, and three hours have passed."""

    PENDING_PAYMENT = "pending_payment", _("Pending payment")
    PROCESSING = "processing", _("Processing")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Canceled")
    REFUNDING = "refunding", _("Refunding")
    REFUNDED = "refunded", _("Refunded")


class OrderKind(models.TextChoices):
    """What an order is for."""

    NEW = "new", _("New")
    RENEWAL = "renewal", _("Renewal")
    UPGRADE = "upgrade", _("Upgrade")
    UNSUBSCRIPTION = "unsubscription", _("Unsubscription")


class SubscriptionStatus(models.TextChoices):
    """A purchased app's life: grace is `expired`, retention is `frozen` (RULES 3.1)."""

    PENDING = "pending", _("Pending")
    ENABLED = "enabled", _("Enabled")
    EXPIRED = "expired", _("Expired")
    FROZEN = "frozen", _("Frozen")
    CLOSED = "closed", _("Closed")


RENEWABLE = (SubscriptionStatus.ENABLED, SubscriptionStatus.EXPIRED, SubscriptionStatus.FROZEN)
"""What another term may still be bought of."""


class DeliveryStatus(models.TextChoices):
    """How far one deliverer is with one order line."""

    STARTED = "started", _("Started")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    ABORTED = "aborted", _("Aborted")


class DurationUnit(models.TextChoices):
    """Units of a purchased term."""

    MONTH = "month", _("month")
    YEAR = "year", _("year")
