"""The words of discounts and coupons."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DiscountKind(models.TextChoices):
    """Who granted a discount (RULES 6); an order has one at the most."""

    COMMERCIAL = "commercial", _("Commercial discount")
    PARTNER = "partner", _("Partner discount")
    PROMOTIONAL = "promotional", _("Promotional discount")


class CouponKind(models.TextChoices):
    """Cash is spent in parts until nothing is left; a discount coupon is used once."""

    CASH = "cash", _("Cash coupon")
    DISCOUNT = "discount", _("Discount coupon")


class CouponUseStatus(models.TextChoices):
    """An order reserves a coupon, spends it when it is paid, gives it back when it is canceled."""

    RESERVED = "reserved", _("Reserved")
    SPENT = "spent", _("Used")
    RETURNED = "returned", _("Returned")
