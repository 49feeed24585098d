"""What operations and the gateway add to payments: proposed refunds, charge-backs, customers, webhook messages, fees."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery, Sum
from django_fsm import transition

from accounts.models import Account, User
from billing.choices import DisputeStatus, ProposalStatus
from billing.models.payments import Payment, Refund
from catalog.models import Product
from koogallery.kernel import clock
from koogallery.kernel.fields import StatusField
from koogallery.kernel.ids import public_id
from koogallery.kernel.money import AmountField, CurrencyField, Money
from orders.models import Order
from pricing.models import PercentField

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class RefundProposal(models.Model):
    """An operator's refund of an order, whole (`amount` is all that is left) or in part.

    Nothing is left of an order that a coupon or a charge-back paid for: it is taken back for 0.
    Above the limit of the settings another operator must consent before it `lapses_at`. `note` says what both should
    know before: upgrades that keep their money.
    """

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refund_proposals")
    currency = CurrencyField()
    amount = AmountField()
    reason = models.CharField(max_length=1000)
    note = models.CharField(max_length=1000, blank=True, default="", db_default="", editable=False)
    status = StatusField(default=ProposalStatus.AWAITING_CONSENT, choices=ProposalStatus.choices, editable=False)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    lapses_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    refund = models.OneToOneField(Refund, null=True, on_delete=models.PROTECT, related_name="proposal")

    class Meta(TypedModelMeta):
        indexes = [models.Index("lapses_at", "id", condition=Q(status="awaiting_consent"), name="proposal_lapse_due")]
        constraints = [
            models.CheckConstraint(name="proposed_amount_not_negative", condition=Q(amount__gte=0)),
            models.UniqueConstraint(
                fields=["order"], condition=Q(status="awaiting_consent"), name="one_proposal_at_a_time_per_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.money} of {self.order}"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @transition(status, source=ProposalStatus.AWAITING_CONSENT, target=ProposalStatus.DONE)
    def carry_out(self, at: datetime) -> None:
        self.decided_at = at

    @transition(status, source=ProposalStatus.AWAITING_CONSENT, target=ProposalStatus.DECLINED)
    def decline(self, at: datetime) -> None:
        self.decided_at = at

    @transition(status, source=ProposalStatus.AWAITING_CONSENT, target=ProposalStatus.LAPSED)
    def lapse(self, at: datetime) -> None:
        self.decided_at = at


class Dispute(models.Model):
    """A charge-back: the card holder had his bank take money back."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    reference = models.CharField(max_length=80, unique=True)
    currency = CurrencyField()
    amount = AmountField()
    status = StatusField(default=DisputeStatus.OPEN, choices=DisputeStatus.choices, editable=False)
    opened_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta(TypedModelMeta):
        constraints = [models.CheckConstraint(name="disputed_amount_positive", condition=Q(amount__gt=0))]

    def __str__(self) -> str:
        return self.reference

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @transition(status, source=DisputeStatus.OPEN, target=DisputeStatus.WON)
    def win(self, at: datetime) -> None:
        self.ended_at = at

    @transition(status, source=DisputeStatus.OPEN, target=DisputeStatus.LOST)
    def lose(self, at: datetime) -> None:
        self.ended_at = at


def charge_backs_of(payment: str) -> dict[str, Any]:
    """Annotations of rows that name a payment in this column: `taken_back` is what banks took of it and were not made to
    give back, or None; `in_dispute` whether that is not decided yet."""
    standing = Dispute.objects.filter(payment=OuterRef(payment)).exclude(status=DisputeStatus.WON)
    total = standing.order_by().values("payment").annotate(total=Sum("amount")).values("total")
    return {
        "taken_back": Subquery(total, output_field=models.DecimalField()),
        "in_dispute": Exists(standing.filter(status=DisputeStatus.OPEN)),
    }


class GatewayCustomer(models.Model):
    """An account's name at a card processor."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="gateway_customers")
    gateway = models.CharField(max_length=20)
    reference = models.CharField(max_length=80)

    class Meta(TypedModelMeta):
        constraints = [models.UniqueConstraint(fields=["account", "gateway"], name="one_customer_per_gateway")]

    def __str__(self) -> str:
        return self.reference


class GatewayMessage(models.Model):
    """A webhook message that was taken in; the same one coming again changes nothing."""

    gateway = models.CharField(max_length=20)
    event_id = models.CharField(max_length=80)
    kind = models.CharField(max_length=16)
    key = models.CharField(max_length=40, blank=True)
    received_at = models.DateTimeField(default=clock.now)
    # A dispute of a charge that we do not know (yet), and when it is looked for again.
    early_dispute = models.JSONField(null=True, editable=False)
    match_at = models.DateTimeField(null=True, editable=False)

    class Meta(TypedModelMeta):
        indexes = [models.Index("match_at", "id", condition=Q(match_at__isnull=False), name="early_dispute_match_due")]
        constraints = [models.UniqueConstraint(fields=["gateway", "event_id"], name="a_webhook_counts_once")]

    def __str__(self) -> str:
        return f"{self.gateway} {self.event_id}"


class Reconciliation(models.Model):
    """The card processors' own lists against the books, from `since` until `until`: one row a day.

    The next day's row is made when one falls due, which empties `due_at`. `made_at` is empty until every processor has
    answered. Each difference is a sentence.
    """

    since = models.DateTimeField()
    until = models.DateTimeField()
    due_at = models.DateTimeField(null=True, editable=False)
    made_at = models.DateTimeField(null=True, editable=False)
    differences = ArrayField(models.TextField(), default=list, editable=False)

    class Meta(TypedModelMeta):
        indexes = [models.Index("due_at", "id", condition=Q(due_at__isnull=False), name="reconciliation_due")]

    def __str__(self) -> str:
        return f"until {self.until:%Y-%m-%d %H:%M}"


class ProductFee(models.Model):
    """Our share of a product's sales, where it is not the one of the settings (RULES 9)."""

    product = models.OneToOneField(Product, on_delete=models.CASCADE, related_name="service_fee")
    percent = PercentField()

    def __str__(self) -> str:
        return f"{self.product}: {self.percent} %"
