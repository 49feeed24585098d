"""Appeals: operations are asked to decide."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django_fsm import FSMField, transition

from accounts.actor import Party
from accounts.models import User
from koogallery.kernel.money import AmountField
from supervision.choices import AppealStatus, Decision
from supervision.models.flows import ServiceFlow

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class Appeal(models.Model):
    """A request to operations to decide (RULES 1.5). At most one is open for a flow."""

    flow = models.ForeignKey(ServiceFlow, on_delete=models.PROTECT, related_name="appeals")
    status = FSMField(default=AppealStatus.OPEN, choices=AppealStatus.choices, editable=False)
    party = models.CharField(max_length=12, choices=Party.choices)
    ground = models.CharField(max_length=300, help_text="The rule that opened it")
    reason = models.TextField()
    filed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=12, choices=Decision.choices, blank=True)
    decision_reason = models.TextField(blank=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    refund = AmountField(null=True)

    class Meta(TypedModelMeta):
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["flow"], condition=Q(status="open"), name="one_open_appeal_per_flow")
        ]

    def __str__(self) -> str:
        return f"Appeal by the {self.party}"

    @transition(status, source=AppealStatus.OPEN, target=AppealStatus.WITHDRAWN)
    def withdraw(self, at: datetime) -> None:
        self.ended_at = at

    @transition(status, source=AppealStatus.OPEN, target=AppealStatus.DECIDED)
    def decide(self, decision: Decision, reason: str, at: datetime) -> None:
        self.decision = decision
        self.decision_reason = reason
        self.ended_at = at
