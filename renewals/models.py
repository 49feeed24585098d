"""How each subscription renews: by hand, by itself, or not at all; and what an account has chosen for all of them."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from accounts.models import Account
from koogallery.kernel import clock
from orders.choices import RENEWABLE, DurationUnit
from orders.models import Order, Subscription
from pricing.values import Duration
from renewals.choices import CouponUse, RenewalMode
from renewals.rules import DEDUCTION_DAYS_BEFORE

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class RenewalPlanQuerySet(models.QuerySet["RenewalPlan"]):
    def for_account(self, account: Account) -> Self:
        """Of what may still be renewed, what ends first stands first."""
        rows = self.filter(subscription__account=account, subscription__status__in=RENEWABLE)
        return rows.order_by("subscription__expires_at", "subscription_id")

    def with_table_columns(self) -> Self:
        """With what a list prints of the subscription, in the same query."""
        return self.select_related(
            "subscription__product__seller", "subscription__specification", "subscription__line__order"
        )


class RenewalPlan(models.Model):
    """A subscription's renewal setting (RULES 3.2).

    `count` is how many automatic renewals are left, 0 for no limit; `period_*` is what one of them buys.
    `deduct_at` is when the next one is deducted (UTC), empty where none is; `notice_at` when somebody is told next.
    Between the intent of a deduction and its outcome `charging_since` is set; `order` is what the last one ordered.
    """

    subscription = models.OneToOneField(Subscription, on_delete=models.CASCADE, related_name="renewal_plan")
    mode = models.CharField(max_length=12, choices=RenewalMode.choices, default=RenewalMode.MANUAL)
    period_value = models.PositiveSmallIntegerField(default=1)
    period_unit = models.CharField(max_length=8, choices=DurationUnit.choices, default=DurationUnit.MONTH)
    count = models.PositiveSmallIntegerField(default=0)
    deduction_days = models.PositiveSmallIntegerField(default=DEDUCTION_DAYS_BEFORE, db_default=DEDUCTION_DAYS_BEFORE)
    deduct_at = models.DateTimeField(null=True, editable=False)
    notice_at = models.DateTimeField(null=True, editable=False)
    charging_since = models.DateTimeField(null=True, editable=False)
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="+", editable=False)
    # Why the last deduction for this term failed, in words for the buyer; empty when none did.
    failure = models.CharField(max_length=200, blank=True, default="", db_default="", editable=False)
    # The card, its end and the deduction that the account was told of last: each is told once.
    card_told = models.CharField(max_length=40, blank=True, default="", db_default="", editable=False)
    changed_at = models.DateTimeField(default=clock.now)

    objects = RenewalPlanQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("deduct_at", "id", condition=Q(deduct_at__isnull=False), name="renewal_deduction_due"),
            models.Index("notice_at", "id", condition=Q(notice_at__isnull=False), name="renewal_notice_due"),
        ]
        constraints = [
            models.CheckConstraint(name="renewal_count_0_to_99", condition=Q(count__range=(0, 99))),
            models.CheckConstraint(name="deduction_1_to_7_days_before", condition=Q(deduction_days__range=(1, 7))),
            models.CheckConstraint(
                name="only_auto_renewals_are_deducted", condition=Q(deduct_at=None) | Q(mode="auto")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscription}: {self.mode}"

    @property
    def period(self) -> Duration:
        """What one automatic renewal buys."""
        return Duration(self.period_value, self.period_unit)

    @property
    def is_auto(self) -> bool:
        return self.mode == RenewalMode.AUTO


class RenewalSettings(models.Model):
    """What an account has chosen for all its renewals; without a row the defaults hold (RULES 3.2, 3.3).

    `renewal_day` is the day of the month that renewals may be brought to, 31 for the last day of each month.
    `calendar_version` is part of the calendar feed's address, so that a new one replaces the old.
    """

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="renewal_settings")
    renewal_day = models.PositiveSmallIntegerField(default=1)
    coupons = models.CharField(max_length=16, choices=CouponUse.choices, default=CouponUse.CASH_FIRST)
    calendar_version = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta(TypedModelMeta):
        constraints = [
            models.CheckConstraint(
                name="renewal_day_1_to_28_or_last", condition=Q(renewal_day__range=(1, 28)) | Q(renewal_day=31)
            )
        ]

    def __str__(self) -> str:
        return f"Renewal settings of {self.account}"
