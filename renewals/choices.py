"""The words of renewals."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RenewalMode(models.TextChoices):
    """The tabs of the Renewals page (RULES 3.1), `mode` of API.md."""

    MANUAL = "manual", _("Manual Renewals")
    AUTO = "auto", _("Auto Renewals")
    CANCELLED = "cancelled", _("Renewals Canceled")


class CouponUse(models.TextChoices):
    """Whether auto-renewals use the account's coupons, and which first (RULES 3.2)."""

    NONE = "none", _("Do not use coupons")
    CASH_FIRST = "cash_first", _("Cash coupons first")
    DISCOUNT_FIRST = "discount_first", _("Discount coupons first")
