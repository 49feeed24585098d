"""Service flows and the only way in which their status changes."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Count, F, Q
from django.urls import reverse
from django_fsm import GET_STATE, FSMField, transition

from accounts.actor import Party
from accounts.models import Account, Seller, SellerMember
from catalog.choices import FlowType
from catalog.models import AcceptanceCriteria
from koogallery.kernel import clock
from koogallery.kernel.ids import public_id
from orders.models import Order
from supervision.choices import OPEN, Action, AttachmentRule, FlowStatus
from supervision.graph import Graph, Parameters, State, Step, graph_for, state
from supervision.models.templates import FlowTemplate

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
    """

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="flow")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="flows")
    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="flows")
    template = models.ForeignKey(FlowTemplate, on_delete=models.PROTECT, related_name="flows")
    flow_type = models.CharField(max_length=16, choices=FlowType.choices)
    platform_review = models.BooleanField(default=False)
    status = FSMField(choices=FlowStatus.choices, editable=False)
    frozen_from = models.CharField(max_length=32, choices=FlowStatus.choices, blank=True, editable=False)
    waiting_on = models.CharField(max_length=12, choices=Party.choices, null=True, editable=False)  # noqa: DJ001
    waiting_since = models.DateTimeField(editable=False)
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
        ]

    def __str__(self) -> str:
        return f"Service flow of {self.order_id}"

    def get_absolute_url(self) -> str:
        return reverse("supervision:detail", args=[self.order.number])

    @property
    def graph(self) -> Graph:
        """The flow's states and steps, by the template it was opened under."""
        return graph_for(
            Parameters(
                flow_type=FlowType(self.flow_type),
                request_attachment=AttachmentRule(self.template.request_attachment),
                drafts=self.template.drafts,
                platform_review=self.platform_review,
            )
        )

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

    def allows(self, step: Step) -> bool:
        """Whether the flow's graph has this step from here; a thaw leads to where the flow was frozen."""
        if self.status == FlowStatus.UNDER_APPEAL and step.action in (Action.WITHDRAW_APPEAL, Action.DECIDE_RESUME):
            return step.target == self.frozen_from and step in self.graph.steps
        return step.source == self.status and step in self.graph.steps

    @transition(
        status,
        source=list(OPEN),
        target=GET_STATE(lambda _flow, step, _at: step.target, states=list(FlowStatus)),
        conditions=[lambda flow: flow.status in OPEN],  # type: ignore[attr-defined]
    )
    def take(self, step: Step, at: datetime) -> None:
        """Take one step of the graph. The only way in which a flow's status changes.

        Raises:
            TransitionNotAllowed: the flow has ended.
            ValueError: the graph has no such step from here.
        """
        if not self.allows(step):
            raise ValueError(f"{step.action} is no step from {self.status}.")
        self.frozen_from = self.status if step.target == FlowStatus.UNDER_APPEAL else ""
        arrived = state(step.target, self.flow_type)
        self.waiting_on = arrived.waits_for
        self.waiting_since = at
        if arrived.waits_for is None:
            self.ended_at = at


class PlatformReview(ServiceFlow):
    """The same flows, as the platform's queue of reviews lists them (RULES 1.2, S4)."""

    class Meta(TypedModelMeta):
        proxy = True
        verbose_name = "platform review"
