"""Appeals: operations are asked to decide."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import OuterRef, Q
from django.db.models.functions import JSONObject
from django.utils.functional import cached_property
from django_fsm import transition

from accounts.actor import Party
from accounts.models import User
from koogallery.kernel.fields import StatusField
from koogallery.kernel.money import AmountField, Money
from orders.terms import BILLING_ZONE
from supervision.choices import (
    LIVE_APPEALS,
    UNANSWERED,
    AppealStatus,
    Decision,
    RulingStatus,
    StatementStatus,
)
from supervision.models.flows import ServiceFlow
from supervision.models.records import FlowRecord
from supervision.rules import CaseTerms, working_days_after

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class AppealQuerySet(models.QuerySet["Appeal"]):
    def live(self) -> Self:
        """Those that freeze their flow."""
        return self.filter(status__in=LIVE_APPEALS)

    def decidable_by(self, user_id: int) -> Self:
        """Without those of companies that the operator belongs to (RULES 1.5: nobody judges his own)."""
        return self.exclude(flow__account__memberships__user=user_id).exclude(flow__seller__members__user=user_id)

    def with_statements(self) -> Self:
        """With the requests for statements, in the same query: see `Appeal.requests`."""
        fields = [one.attname for one in StatementRequest._meta.concrete_fields]
        asked = StatementRequest.objects.filter(appeal=OuterRef("pk")).order_by("id")
        return self.annotate(asked=ArraySubquery(asked.values(one=JSONObject(**{name: name for name in fields}))))

    def with_case(self) -> Self:
        """With the requests for statements and the decisions, in a fixed number of queries."""
        return self.prefetch_related("statements", "rulings")


class Appeal(models.Model):
    """A request to operations to decide (RULES 1.5). At most one is live for a flow.

    Attributes:
        answer_due_at: the service level: three working days after it was filed, or after the second look was asked for.
        takes_effect_at: when the announced decision takes effect unless a second look is asked for.
    """

    flow = models.ForeignKey(ServiceFlow, on_delete=models.PROTECT, related_name="appeals")
    status = StatusField(default=AppealStatus.OPEN, choices=AppealStatus.choices, editable=False)
    party = models.CharField(max_length=12, choices=Party.choices)
    ground = models.CharField(max_length=300, help_text="The rule that opened it")
    reason = models.TextField()
    filed_at = models.DateTimeField()
    answer_due_at = models.DateTimeField()
    escalated_at = models.DateTimeField(null=True)
    takes_effect_at = models.DateTimeField(null=True)
    buyer_waived_at = models.DateTimeField(null=True)
    seller_waived_at = models.DateTimeField(null=True)
    review_party = models.CharField(max_length=12, choices=Party.choices, blank=True, db_default="")
    review_reason = models.TextField(blank=True, db_default="")
    review_asked_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = AppealQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["-id"]
        indexes = [
            models.Index("takes_effect_at", "id", condition=Q(status="announced"), name="appeal_effect_due"),
            models.Index(
                "answer_due_at",
                "id",
                condition=Q(status__in=["open", "awaiting_consent", "under_review"], escalated_at=None),
                name="appeal_escalation_due",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["flow"],
                condition=Q(status__in=["open", "awaiting_consent", "announced", "under_review"]),
                name="one_live_appeal_per_flow",
            ),
            models.CheckConstraint(
                name="announced_appeals_know_their_effect",
                condition=Q(status="announced", takes_effect_at__isnull=False)
                | ~Q(status="announced") & Q(takes_effect_at=None),
            ),
            models.CheckConstraint(
                name="ended_appeals_know_when",
                condition=Q(status__in=["withdrawn", "decided"], ended_at__isnull=False)
                | ~Q(status__in=["withdrawn", "decided"]) & Q(ended_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"Appeal by the {self.party}"

    @property
    def is_live(self) -> bool:
        return self.status in LIVE_APPEALS

    @property
    def is_unanswered(self) -> bool:
        return self.status in UNANSWERED

    @property
    def reviewed(self) -> bool:
        """Whether the second look was asked for; there is one only."""
        return self.review_asked_at is not None

    def ruling(self) -> "Ruling | None":
        """The newest decision that stands or waits; reads prefetched rows."""
        standing = (RulingStatus.AWAITING_CONSENT, RulingStatus.ANNOUNCED, RulingStatus.IN_EFFECT)
        return next((one for one in self.rulings.all() if one.status in standing), None)

    def told_ruling(self) -> "Ruling | None":
        """What both sides know of: the first decision stays in sight while the second look is taken."""
        ruling = self.ruling()
        if ruling is not None and ruling.status == RulingStatus.AWAITING_CONSENT:
            return next((one for one in self.rulings.all() if one.status == RulingStatus.ANNOUNCED), None)
        return ruling

    @cached_property
    def requests(self) -> "list[StatementRequest]":
        """What the sides were asked, the first request first; no query where `with_statements` or `with_case` read it."""
        read: list[dict[str, Any]] | None = getattr(self, "asked", None)
        if read is None:
            return list(self.statements.all())
        fields = StatementRequest._meta.concrete_fields
        rows = ([one.to_python(row[one.attname]) for one in fields] for row in read)
        return [StatementRequest.from_db(None, [one.attname for one in fields], row) for row in rows]

    def terms(self) -> CaseTerms:
        """What the rules need to know; reads what was read with the appeal."""
        waived = {Party.BUYER: self.buyer_waived_at, Party.SELLER: self.seller_waived_at}
        return CaseTerms(
            status=AppealStatus(self.status),
            appellant=Party(self.party),
            asked={Party(one.party): one.due_at for one in self.requests if one.status == StatementStatus.ASKED},
            waived=frozenset(side for side, when in waived.items() if when),
            reviewed=self.reviewed,
            takes_effect_at=self.takes_effect_at,
            withdrawable=settings.APPEALS_CAN_BE_WITHDRAWN,
        )

    def owe_answer(self, since: datetime) -> None:
        """The service level's clock begins (RULES 1.5: three working days)."""
        days, holidays = settings.APPEAL_WORKING_DAYS, settings.PUBLIC_HOLIDAYS
        self.answer_due_at = working_days_after(since, days, BILLING_ZONE, holidays)
        self.escalated_at = None

    def waive(self, party: Party, at: datetime) -> bool:
        """`party` does without a second look. Returns whether both have by now."""
        if party is Party.BUYER:
            self.buyer_waived_at = at
        else:
            self.seller_waived_at = at
        return bool(self.buyer_waived_at and self.seller_waived_at)

    @transition(status, source=[AppealStatus.OPEN, AppealStatus.AWAITING_CONSENT], target=AppealStatus.WITHDRAWN)
    def withdraw(self, at: datetime) -> None:
        self.ended_at = at

    @transition(status, source=[AppealStatus.OPEN, AppealStatus.UNDER_REVIEW], target=AppealStatus.AWAITING_CONSENT)
    def await_consent(self) -> None:
        """A decision waits for a second operator."""

    @transition(status, source=AppealStatus.AWAITING_CONSENT, target=AppealStatus.OPEN)
    def reopen(self) -> None:
        """The waiting decision was not confirmed."""

    @transition(status, source=AppealStatus.AWAITING_CONSENT, target=AppealStatus.UNDER_REVIEW)
    def reopen_review(self) -> None:
        """The waiting decision of the second look was not confirmed."""

    @transition(status, source=[AppealStatus.OPEN, AppealStatus.AWAITING_CONSENT], target=AppealStatus.ANNOUNCED)
    def announce(self, takes_effect_at: datetime) -> None:
        """Decided; either side may ask for a second look until it takes effect."""
        self.takes_effect_at = takes_effect_at

    @transition(status, source=AppealStatus.ANNOUNCED, target=AppealStatus.UNDER_REVIEW)
    def ask_review(self, party: Party, reason: str, at: datetime) -> None:
        self.takes_effect_at = None
        self.review_party = party
        self.review_reason = reason
        self.review_asked_at = at
        self.owe_answer(at)

    @transition(
        status,
        source=[AppealStatus.OPEN, AppealStatus.AWAITING_CONSENT, AppealStatus.ANNOUNCED, AppealStatus.UNDER_REVIEW],
        target=AppealStatus.DECIDED,
    )
    def finish(self, at: datetime) -> None:
        """The decision is in effect."""
        self.takes_effect_at = None
        self.ended_at = at


class Ruling(models.Model):
    """What operations decided on an appeal: at first, and once more when a second look was asked for.

    Attributes:
        second_look: whether it is the second look's, which is final.
        currency, refund: of a refund; `refund` None gives everything back.
        deliver_by: the new deadline of a delivery that was sent back.
        lapses_at: until when another operator must confirm a refund above the limit.
    """

    appeal = models.ForeignKey(Appeal, on_delete=models.PROTECT, related_name="rulings")
    status = StatusField(choices=RulingStatus.choices, editable=False)
    second_look = models.BooleanField(default=False)
    decision = models.CharField(max_length=12, choices=Decision.choices)
    reason = models.TextField()
    refund = AmountField(null=True)
    deliver_by = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    lapses_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    effective_at = models.DateTimeField(null=True)

    class Meta(TypedModelMeta):
        ordering = ["-id"]
        indexes = [models.Index("lapses_at", "id", condition=Q(status="awaiting_consent"), name="ruling_lapse_due")]
        constraints = [
            models.UniqueConstraint(
                fields=["appeal"], condition=Q(status="in_effect"), name="one_ruling_in_effect_per_appeal"
            ),
            models.CheckConstraint(
                name="rulings_are_confirmed_by_another",
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=models.F("decided_by")),
            ),
            models.CheckConstraint(
                name="waiting_rulings_lapse", condition=~Q(status="awaiting_consent") | Q(lapses_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return str(Decision(self.decision).label)

    def money(self, currency: str) -> Money | None:
        """The refund in the order's currency; None is everything."""
        return None if self.refund is None else Money(self.refund, currency)

    @transition(status, source=RulingStatus.AWAITING_CONSENT, target=RulingStatus.ANNOUNCED)
    def confirm(self, user_id: int | None, at: datetime) -> None:
        self.confirmed_by_id = user_id
        self.confirmed_at = at

    @transition(status, source=RulingStatus.AWAITING_CONSENT, target=RulingStatus.DECLINED)
    def decline(self) -> None:
        """Another operator said no, its maker took it back, or the appeal was withdrawn."""

    @transition(status, source=RulingStatus.AWAITING_CONSENT, target=RulingStatus.LAPSED)
    def lapse(self) -> None:
        """Nobody confirmed it in time."""

    @transition(status, source=RulingStatus.ANNOUNCED, target=RulingStatus.REPLACED)
    def replace(self) -> None:
        """The second look decided."""

    @transition(status, source=RulingStatus.ANNOUNCED, target=RulingStatus.IN_EFFECT)
    def take_effect(self, at: datetime) -> None:
        self.effective_at = at


class StatementRequest(models.Model):
    """Operations ask a side for a statement by a deadline; its silence is recorded and stops nothing."""

    appeal = models.ForeignKey(Appeal, on_delete=models.PROTECT, related_name="statements")
    status = StatusField(default=StatementStatus.ASKED, choices=StatementStatus.choices, editable=False)
    party = models.CharField(max_length=12, choices=Party.choices)
    question = models.TextField()
    asked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    text = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True)
    record = models.OneToOneField(FlowRecord, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta(TypedModelMeta):
        ordering = ["id"]
        indexes = [models.Index("due_at", "id", condition=Q(status="asked"), name="statement_due")]
        constraints = [
            models.UniqueConstraint(
                fields=["appeal", "party"], condition=Q(status="asked"), name="one_open_statement_request_per_side"
            )
        ]

    def __str__(self) -> str:
        return f"Statement of the {self.party}"

    @transition(status, source=StatementStatus.ASKED, target=StatementStatus.GIVEN)
    def give(self, text: str, record: FlowRecord, at: datetime) -> None:
        self.text = text
        self.record = record
        self.ended_at = at

    @transition(status, source=StatementStatus.ASKED, target=StatementStatus.MISSED)
    def miss(self) -> None:
        self.ended_at = self.due_at

    @transition(status, source=StatementStatus.ASKED, target=StatementStatus.DROPPED)
    def drop(self, at: datetime) -> None:
        """The appeal ended, or was decided, before it was given."""
        self.ended_at = at
