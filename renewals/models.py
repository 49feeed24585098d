"""How each subscription renews: by hand, by itself, or not at all."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from koogallery.kernel import clock
from orders.choices import DurationUnit
from orders.models import Subscription
from renewals.choices import RenewalMode

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class RenewalPlan(models.Model):
    """A subscription's renewal setting (RULES 3.2).

    `count` is how many automatic renewals are left, 0 for no limit; `period_*` is what one of them buys.
    """

    subscription = models.OneToOneField(Subscription, on_delete=models.CASCADE, related_name="renewal_plan")
    mode = models.CharField(max_length=12, choices=RenewalMode.choices, default=RenewalMode.MANUAL)
    period_value = models.PositiveSmallIntegerField(default=1)
    period_unit = models.CharField(max_length=8, choices=DurationUnit.choices, default=DurationUnit.MONTH)
    count = models.PositiveSmallIntegerField(default=0)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta(TypedModelMeta):
        constraints = [models.CheckConstraint(name="renewal_count_0_to_99", condition=Q(count__range=(0, 99)))]

    def __str__(self) -> str:
        return f"{self.subscription}: {self.mode}"
