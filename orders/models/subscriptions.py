"""Purchased apps: what an order brings, with the terms that it was bought and renewed for."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django_fsm import transition

from accounts.models import Account, Seller
from catalog.choices import SUBSCRIPTION_MODES, BillingMode, DeliveryMethod
from catalog.models import Product, Specification
from koogallery.kernel import clock
from koogallery.kernel.compiled import Moment
from koogallery.kernel.fields import StatusField
from koogallery.kernel.ids import public_id
from orders.choices import RENEWABLE, SubscriptionStatus
from orders.models.orders import OrderLine

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object

ENDS_SOON = timedelta(days=30)
"""So long before its expiry a purchased app is shown as expiring (UX 3.4)."""


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(account=account)

    def for_seller(self, seller: Seller) -> Self:
        return self.filter(product__seller=seller)

    def in_purchased_apps(self) -> Self:
        """Supervised SaaS only when its flow is complete; the rest from payment on (RULES 1.1)."""
        return self.filter(listed_at__isnull=False)

    def ending(self, until: datetime | Moment) -> Self:
        """Of Purchased Apps, what ends before then or is over, and may be renewed (UX 2.3, 3.5: expiring)."""
        return self.in_purchased_apps().filter(status__in=RENEWABLE, expires_at__lt=until)

    def with_table_columns(self) -> Self:
        return self.select_related("product", "product__seller", "specification", "line", "line__order")


class Subscription(models.Model):
    """A purchased app: what delivery, credentials, renewal, upgrade and usage hang on.

    Access dates (`starts_at`, `expires_at`, `grace_until`, `retention_until`) are UTC instants; an expiry is always
    23:59:59 GMT+08:00 of its day (RULES 3.1). `anchor_day` is the day of the month that renewals keep to.
    """

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="subscriptions")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="subscriptions")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="subscriptions")
    specification = models.ForeignKey(Specification, null=True, on_delete=models.PROTECT, related_name="+")
    delivery_method = models.CharField(max_length=24, choices=DeliveryMethod.choices)
    billing_mode = models.CharField(max_length=16, choices=BillingMode.choices)
    attributes = models.JSONField(default=dict)
    quantity = models.PositiveIntegerField(default=1)
    status = StatusField(default=SubscriptionStatus.PENDING, choices=SubscriptionStatus.choices, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    listed_at = models.DateTimeField(null=True, editable=False)
    starts_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True, editable=False)
    anchor_day = models.PositiveSmallIntegerField(null=True, editable=False)
    grace_until = models.DateTimeField(null=True, editable=False)
    retention_until = models.DateTimeField(null=True, editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)

    objects = SubscriptionQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("account", F("created_at").desc(), F("id").desc(), name="subscription_account_newest"),
            models.Index(
                "expires_at",
                "id",
                condition=Q(status="enabled", expires_at__isnull=False),
                name="subscription_expiry_due",
            ),
            # What an account may still renew, what ends first on top.
            models.Index(
                "account",
                "expires_at",
                "id",
                condition=Q(status__in=["enabled", "expired", "frozen"]),
                name="subscription_account_ends",
            ),
            models.Index("grace_until", "id", condition=Q(status="expired"), name="subscription_grace_due"),
            models.Index("retention_until", "id", condition=Q(status="frozen"), name="subscription_retention_due"),
        ]
        constraints = [
            models.CheckConstraint(
                name="running_subscriptions_have_started",
                condition=Q(status__in=["pending", "closed"]) | Q(starts_at__isnull=False),
            ),
            models.CheckConstraint(
                name="subscription_ends_after_it_starts",
                condition=Q(expires_at=None) | Q(expires_at__gt=F("starts_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product} ({self.public_id})"

    def get_absolute_url(self) -> str:
        return reverse("renewals:app", args=[self.public_id])

    @property
    def name(self) -> str:
        """What pages call it: its product, or the server that was bought with an image of that product (needs `line`)."""
        return self.line.product_name if self.delivery_method == DeliveryMethod.ECS else self.product.name

    @property
    def has_term(self) -> bool:
        """Whether it is billed by the month or year, so that it expires and renews."""
        return self.billing_mode in SUBSCRIPTION_MODES

    @transition(status, source=SubscriptionStatus.PENDING, target=SubscriptionStatus.ENABLED)
    def start(self, at: datetime, *, expires_at: datetime | None, anchor_day: int | None) -> None:
        """The term starts, at acceptance where there is supervision (RULES 1.1)."""
        self.starts_at = at
        self.expires_at = expires_at
        self.anchor_day = anchor_day

    @transition(
        status,
        source=[SubscriptionStatus.ENABLED, SubscriptionStatus.EXPIRED, SubscriptionStatus.FROZEN],
        target=SubscriptionStatus.ENABLED,
    )
    def renew(self, *, expires_at: datetime, anchor_day: int, billing_mode: str) -> None:
        """Another term is paid: it runs on from the expiry before, also out of grace and retention (RULES 3.1)."""
        self.expires_at = expires_at
        self.anchor_day = anchor_day
        self.billing_mode = billing_mode
        self.grace_until = self.retention_until = None

    @transition(status, source=SubscriptionStatus.ENABLED, target=SubscriptionStatus.EXPIRED)
    def enter_grace(self, until: datetime) -> None:
        """Expired, still usable."""
        self.grace_until = until

    @transition(status, source=SubscriptionStatus.EXPIRED, target=SubscriptionStatus.FROZEN)
    def enter_retention(self, until: datetime) -> None:
        """Not usable, data kept."""
        self.retention_until = until

    @transition(
        status,
        source=[
            SubscriptionStatus.PENDING,
            SubscriptionStatus.ENABLED,
            SubscriptionStatus.EXPIRED,
            SubscriptionStatus.FROZEN,
        ],
        target=SubscriptionStatus.CLOSED,
    )
    def close(self, at: datetime) -> None:
        """Released, refunded or unsubscribed: it cannot be renewed any more."""
        self.closed_at = at


class SubscriptionTermQuerySet(models.QuerySet["SubscriptionTerm"]):
    def in_force(self) -> Self:
        """Paid and not taken back, the newest first."""
        return self.filter(bought_at__isnull=False, undone_at=None).order_by("-starts_at")


class SubscriptionTerm(models.Model):
    """One term of a subscription: what a purchase or a renewal buys, from when (exclusive) until when (UTC).

    A renewal's is written with its order and in force from its payment on; the next term begins where the one before
    ends, so that no day is sold twice or given away. `anchor_day` is what the subscription keeps to afterwards.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="terms")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="terms")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    anchor_day = models.PositiveSmallIntegerField()
    bought_at = models.DateTimeField(null=True, editable=False)
    undone_at = models.DateTimeField(null=True, editable=False)

    objects = SubscriptionTermQuerySet.as_manager()

    class Meta(TypedModelMeta):
        constraints = [
            models.UniqueConstraint(fields=["subscription", "line"], name="one_term_per_line_and_subscription"),
            models.UniqueConstraint(
                fields=["subscription", "starts_at"],
                condition=Q(bought_at__isnull=False, undone_at=None),
                name="no_term_is_sold_twice",
            ),
            models.UniqueConstraint(
                fields=["subscription", "ends_at"],
                condition=Q(bought_at__isnull=False, undone_at=None),
                name="no_term_ends_twice",
            ),
            models.CheckConstraint(name="term_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(name="term_anchor_is_a_day", condition=Q(anchor_day__range=(1, 31))),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d} to {self.ends_at:%Y-%m-%d}"
