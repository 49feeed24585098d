"""Service flows and the only way in which their status changes."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Count, F, Q
from django.urls import reverse
from django_fsm import GET_STATE, transition

from accounts.actor import Party
from accounts.models import Account, Seller, SellerMember
from catalog.choices import FlowType
from catalog.models import AcceptanceCriteria
from koogallery.kernel import clock
from koogallery.kernel.fields import StatusField
from koogallery.kernel.ids import public_id
from orders.models import Order
from supervision.choices import OPEN, Action, Effect, FlowStatus, Silence
from supervision.graph import Graph, Step
from supervision.models.templates import FlowTemplate
from supervision.rules import Consequence, next_notice
from supervision.words import State, state

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class ServiceFlowQuerySet(models.QuerySet["ServiceFlow"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(account=account)

    def for_seller(self, seller: Seller) -> Self:
        return self.filter(seller=seller)

    def waiting_for(self, party: Party) -> Self:
        """Rows in which it is the party's turn."""
        return self.filter(waiting_on=party)

    def with_table_columns(self) -> Self:
        """With what a row of the lists prints, in one query."""
        return self.select_related("order", "order__product", "seller", "account", "template")

    def waiting_first(self, party: Party) -> Self:
        """Rows that wait for the party first, then the newest."""
        mine = models.Case(models.When(waiting_on=party, then=0), default=1, output_field=models.SmallIntegerField())
        return self.order_by(mine, "-created_at", "-id")

    def handled_by(self, user_id: int | None) -> Self:
        """Rows that a member of the seller has taken."""
        return self.filter(handler__user_id=user_id, handler__seller_id=F("seller_id"))

    def counts(self, column: str) -> dict[str, int]:
        """How many rows for each value of `column`, in one query."""
        return dict(self.order_by().values_list(column).annotate(count=Count("pk")))


class ServiceFlow(models.Model):
    """One order's supervised delivery, from payment to acceptance.

    `waiting_since` is the last change of the flow; reminders do not move it (RULES 10, 5). Rejections are counted
    since the last decision on an appeal, so that the loser cannot appeal again at once (RULES 1.5).

    `respond_by` is until when the side whose turn it is should act; then the other side may appeal. Of all that silence
    brings meanwhile (reminders, and whatever else somebody is told of) only the next time is kept, in
    `next_notice_at`: which notice it is and when the following one comes, `rules.notices_due` and `rules.next_notice`
    say from the turn's beginning and the graph. So a million open flows hold one date each in one partial index,
    which lacks the flows of which nobody will be told anything; a sweep that finds nothing reads one entry of it, and
    a step of the flow writes no other row to call reminders off. `accepts_at` is when silence accepts, where the
    template has that; it lasts through an appeal and moves by the appeal's length, because its clock stands still.
    """

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="flow")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="flows")
    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="flows")
    template = models.ForeignKey(FlowTemplate, on_delete=models.PROTECT, related_name="flows")
    flow_type = models.CharField(max_length=16, choices=FlowType.choices)
    platform_review = models.BooleanField(default=False)
    status = StatusField(choices=FlowStatus.choices, editable=False)
    frozen_from = models.CharField(max_length=32, choices=FlowStatus.choices, blank=True, editable=False)
    waiting_on = models.CharField(max_length=12, choices=Party.choices, null=True, editable=False)  # noqa: DJ001
    waiting_since = models.DateTimeField(editable=False)
    respond_by = models.DateTimeField(null=True, editable=False)
    next_notice_at = models.DateTimeField(null=True, editable=False)
    accepts_at = models.DateTimeField(null=True, editable=False)
    seller_rejections = models.PositiveSmallIntegerField(default=0, editable=False)
    buyer_rejections = models.PositiveSmallIntegerField(default=0, editable=False)
    rounds = models.PositiveSmallIntegerField(default=0, editable=False)
    criteria = models.ForeignKey(
        AcceptanceCriteria, null=True, editable=False, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    handler = models.ForeignKey(
        SellerMember, null=True, editable=False, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    closes_at = models.DateTimeField(editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    objects = ServiceFlowQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("account", F("created_at").desc(), F("id").desc(), name="flow_account_newest"),
            models.Index("seller", F("created_at").desc(), F("id").desc(), name="flow_seller_newest"),
            models.Index("account", condition=Q(waiting_on="buyer"), name="flow_waits_for_buyer"),
            models.Index("seller", condition=Q(waiting_on="seller"), name="flow_waits_for_seller"),
            models.Index(
                "status", "waiting_since", condition=Q(waiting_on="operations"), name="flow_waits_for_operations"
            ),
            models.Index(fields=["handler"], condition=Q(handler__isnull=False), name="flow_handler"),
            models.Index("next_notice_at", "id", condition=Q(next_notice_at__isnull=False), name="flow_notice_due"),
            models.Index(
                "accepts_at",
                "id",
                condition=Q(status="awaiting_acceptance", accepts_at__isnull=False),
                name="flow_accepted_by_silence_due",
            ),
            models.Index("closes_at", "id", condition=~Q(status__in=["completed", "closed"]), name="flow_end_due"),
        ]
        constraints = [
            models.CheckConstraint(
                name="frozen_flows_know_where_they_stood",
                condition=Q(status="under_appeal") & ~Q(frozen_from="") | ~Q(status="under_appeal") & Q(frozen_from=""),
            ),
            models.CheckConstraint(
                name="ended_flows_wait_for_nobody",
                condition=Q(status__in=["completed", "closed"], waiting_on=None, ended_at__isnull=False)
                | ~Q(status__in=["completed", "closed"]) & Q(waiting_on__isnull=False, ended_at=None),
            ),
            models.CheckConstraint(
                name="only_turns_of_a_side_have_notices_due",
                condition=Q(next_notice_at=None) | Q(waiting_on__in=["buyer", "seller"]),
            ),
            models.CheckConstraint(
                name="only_deliveries_are_accepted_by_silence",
                condition=Q(accepts_at=None)
                | Q(status="awaiting_acceptance")
                | Q(status="under_appeal", frozen_from="awaiting_acceptance"),
            ),
        ]

    def __str__(self) -> str:
        return f"Service flow of {self.order_id}"

    def get_absolute_url(self) -> str:
        return reverse("supervision:detail", args=[self.order.number])

    @property
    def graph(self) -> Graph:
        """The flow's states and steps, by the template it was opened under."""
        return self.template.graph(platform_review=self.platform_review)

    @property
    def state(self) -> State:
        """How the present status reads."""
        return state(self.status, self.flow_type)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_frozen(self) -> bool:
        return self.status == FlowStatus.UNDER_APPEAL

    @property
    def appeals_close_at(self) -> datetime:
        """From when no appeal can be filed any more: 15 days before the flow ends (RULES 1.4)."""
        ban: timedelta = settings.APPEAL_BAN_BEFORE_CLOSE
        return self.closes_at - ban

    @property
    def within(self) -> timedelta | None:
        """How long the side whose turn it is has, from the beginning of its turn."""
        return self.respond_by - self.waiting_since if self.respond_by else None

    @property
    def silence(self) -> tuple[Consequence, ...]:
        """What silence brings now, by the flow's own deadline."""
        return self.graph.silence(self.status, self.within)

    def allows(self, step: Step) -> bool:
        """Whether the flow's graph has this step from here; a thaw leads to where the flow was frozen."""
        if self.status == FlowStatus.UNDER_APPEAL and step.action in (Action.WITHDRAW_APPEAL, Action.DECIDE_RESUME):
            return step.target == self.frozen_from and step in self.graph.steps
        return step.source == self.status and step in self.graph.steps

    @transition(
        status,
        source=list(OPEN),
        target=GET_STATE(lambda _flow, step, *_when: step.target, states=list(FlowStatus)),
        conditions=[lambda flow: flow.status in OPEN],  # type: ignore[attr-defined]
    )
    def take(self, step: Step, at: datetime, within: timedelta | None = None) -> None:
        """Take one step of the graph. The only way in which a flow's status changes.

        `within` is the deadline of what comes next where somebody chose another than the graph's.

        Raises:
            TransitionNotAllowed: the flow has ended.
            ValueError: the graph has no such step from here.
        """
        if not self.allows(step):
            raise ValueError(f"{step.action} is no step from {self.status}.")
        thawed = self.is_frozen and step.target == self.frozen_from
        accepts_at, frozen_at = self.accepts_at, self.waiting_since
        self.frozen_from = self.status if step.target == FlowStatus.UNDER_APPEAL else ""
        arrived = state(step.target, self.flow_type)
        self.waiting_on = arrived.waits_for
        self._count(step)
        self.begin_turn(step.target, at, within or step.within)
        if step.target == FlowStatus.UNDER_APPEAL:
            self.accepts_at = accepts_at
        elif thawed and accepts_at is not None:
            self.accepts_at = accepts_at + (at - frozen_at)
        if arrived.waits_for is None:
            self.ended_at = at

    def begin_turn(self, status: str, at: datetime, within: timedelta | None = None) -> None:
        """Set the clocks of `status`, in which somebody's turn begins at `at`."""
        graph = self.graph
        within = within or graph.within(status)
        silence = graph.silence(status, within)
        self.waiting_since = at
        self.respond_by = at + within if within else None
        self.next_notice_at = next_notice(silence, at, at)
        self.accepts_at = next((one.at(at) for one in silence if one.silence == Silence.ACCEPT), None)

    def _count(self, step: Step) -> None:
        if Effect.COUNT_SELLER_REJECTION in step.effects:
            self.seller_rejections += 1
        if Effect.COUNT_BUYER_REJECTION in step.effects:
            self.buyer_rejections += 1
        if Effect.NEW_ROUND in step.effects:
            self.rounds += 1
        if Effect.RESET_COUNTERS in step.effects:
            self.seller_rejections = self.buyer_rejections = 0


class PlatformReview(ServiceFlow):
    """The same flows, as the platform's queue of reviews lists them (RULES 1.2, S4)."""

    class Meta(TypedModelMeta):
        proxy = True
        verbose_name = "platform review"
