"""Who speaks which interface with which keys, what was made for whom, and every call that was made about it."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from accounts.models import Seller, User
from catalog.models import Product
from koogallery.kernel import clock, ids
from koogallery.kernel.fields import StatusField
from koogallery.kernel.secrets import EncryptedTextField
from orders.models import Order, Subscription
from provisioning.saas.words import NAMES, Activity, Scene, Version

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object

LONGEST_ADDRESS = 500


class AccessKeyQuerySet(models.QuerySet["AccessKey"]):
    def for_seller(self, seller: Seller | int) -> Self:
        return self.filter(seller=seller)

    def valid(self) -> Self:
        """The key in use first, then the one before it while the seller changes over."""
        return self.filter(revoked_at=None).order_by("-id")


class AccessKey(models.Model):
    """A seller's key of the production interface; with its `public_id` it is also AK and SK of the Open API.

    The seller sees it once. It is encrypted, because both sides need the text itself to sign with; `digest` finds it
    where a caller names the key instead of its id.
    """

    public_id = models.CharField(max_length=16, unique=True, default=ids.public_id, editable=False)
    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="access_keys")
    secret = EncryptedTextField()
    digest = models.CharField(max_length=64, unique=True, editable=False)
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = AccessKeyQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [models.Index("seller", F("id").desc(), condition=Q(revoked_at=None), name="access_key_valid")]

    def __str__(self) -> str:
        return f"Access key {self.public_id}"


class ProductInterface(models.Model):
    """Where SaaS orders of a product are sent, and in which generation.

    `urls` are addresses of single activities, by their names in the protocol. `changed_at` ends what the debugger has
    proved. While `delisted_at` is set the product is off sale because too many of its orders failed; `was_public` says
    whether it stands in the storefront otherwise, `counted_from` since when failed orders count.
    """

    product = models.OneToOneField(Product, on_delete=models.PROTECT, related_name="production_interface")
    version = models.CharField(max_length=2, choices=Version.choices, default=Version.V2)
    url = models.CharField(max_length=LONGEST_ADDRESS)
    urls = models.JSONField(default=dict, blank=True)
    changed_at = models.DateTimeField(default=clock.now)
    delisted_at = models.DateTimeField(null=True, blank=True)
    was_public = models.BooleanField(default=True)
    counted_from = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Production interface of {self.product_id}"

    @property
    def names(self) -> dict[Activity, str]:
        """What its generation calls the activities."""
        return NAMES[self.version]


class InstanceStatus(models.TextChoices):
    """A SaaS instance's life at the seller."""

    CREATING = "creating", _("Being created")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Not created")
    RELEASED = "released", _("Released")


class Instance(models.Model):
    """What a seller made, or makes, for one purchased app.

    `told_expires_at` is the expiry that the seller heard of last.
    """

    subscription = models.OneToOneField(Subscription, on_delete=models.PROTECT, related_name="instance")
    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="+")
    instance_id = models.CharField(max_length=64, blank=True)
    status = StatusField(default=InstanceStatus.CREATING, choices=InstanceStatus.choices, editable=False)
    told_expires_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    ready_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta(TypedModelMeta):
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "instance_id"], condition=~Q(instance_id=""), name="one_app_per_instance_id"
            ),
            models.CheckConstraint(
                name="ready_instances_have_a_name", condition=~Q(status="ready") | ~Q(instance_id="")
            ),
        ]

    def __str__(self) -> str:
        return self.instance_id or f"Instance of {self.subscription_id}"

    @property
    def is_over(self) -> bool:
        return self.status in (InstanceStatus.FAILED, InstanceStatus.RELEASED)

    @transition(status, source=InstanceStatus.CREATING, target=InstanceStatus.READY)
    def deliver(self, at: datetime) -> None:
        """The seller has made it and said how to log in."""
        self.ready_at = at

    @transition(status, source=InstanceStatus.CREATING, target=InstanceStatus.FAILED)
    def give_up(self, at: datetime) -> None:
        """It was not made in time, or its order ended before."""
        self.ended_at = at

    @transition(status, source=InstanceStatus.READY, target=InstanceStatus.RELEASED)
    def release(self, at: datetime) -> None:
        """It is to be deleted: its time is over, or its order was taken back."""
        self.ended_at = at


class CallStatus(models.TextChoices):
    """How far a call is."""

    WAITING = "waiting", _("In progress")
    DONE = "done", _("Successful")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("No longer needed")


class CallQuerySet(models.QuerySet["Call"]):
    def for_seller(self, seller: Seller) -> Self:
        return self.filter(seller=seller)

    def waiting(self) -> Self:
        return self.filter(status=CallStatus.WAITING)

    def with_table_columns(self) -> Self:
        return self.select_related("product", "order", "instance__subscription")


class Call(models.Model):
    """One thing asked of a seller's production interface, tried until it is done, given up or no longer needed.

    Business times: `next_try_at` (None: a message in the outbox carries it, or an earlier call of the instance comes
    first), `give_up_at`. `business_id` is the same for every try. Calls of one instance are made one after the other.
    """

    public_id = models.CharField(max_length=16, unique=True, default=ids.public_id, editable=False)
    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="+")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    instance = models.ForeignKey(Instance, on_delete=models.PROTECT, related_name="calls")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+")
    activity = models.CharField(max_length=12, choices=Activity.choices)
    business_id = models.CharField(max_length=64, unique=True, default=ids.public_id, editable=False)
    scene = models.CharField(max_length=32, choices=Scene.choices, blank=True)
    expires_at = models.DateTimeField(null=True, editable=False)
    ended_early = models.BooleanField(default=False)
    status = StatusField(default=CallStatus.WAITING, choices=CallStatus.choices, editable=False)
    tries = models.PositiveIntegerField(default=0)
    refused_keys = models.PositiveIntegerField(default=0)
    code = models.CharField(max_length=6, blank=True)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    next_try_at = models.DateTimeField(null=True, editable=False)
    give_up_at = models.DateTimeField(editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    objects = CallQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index(
                "next_try_at", "id", condition=Q(status="waiting", next_try_at__isnull=False), name="call_next_try"
            ),
            models.Index("give_up_at", "id", condition=Q(status="waiting"), name="call_give_up"),
            models.Index("seller", F("created_at").desc(), F("id").desc(), name="call_seller_newest"),
            models.Index("instance", "id", condition=Q(status="waiting"), name="call_of_instance"),
            models.Index("product", "ended_at", condition=Q(status="failed"), name="call_failed"),
        ]

    def __str__(self) -> str:
        return f"{self.get_activity_display()} {self.public_id}"

    @property
    def lane(self) -> str:
        """The subject that carries it: calls of one lane are made one after the other."""
        return f"seller:{self.seller_id}:{self.instance_id % settings.SELLER_LANES}"

    @transition(status, source=CallStatus.WAITING, target=CallStatus.DONE)
    def finish(self, at: datetime) -> None:
        self.ended_at, self.next_try_at, self.error = at, None, ""

    @transition(status, source=CallStatus.WAITING, target=CallStatus.FAILED)
    def fail(self, at: datetime) -> None:
        """Its time is over; what is not an order's own creation or upgrade the seller may restart."""
        self.ended_at, self.next_try_at = at, None

    @transition(status, source=CallStatus.WAITING, target=CallStatus.CANCELLED)
    def cancel(self, at: datetime) -> None:
        """Something else happened meanwhile, so that it is not wanted any more."""
        self.ended_at, self.next_try_at = at, None

    @transition(status, source=[CallStatus.FAILED, CallStatus.DONE], target=CallStatus.WAITING)
    def restart(self, give_up_at: datetime) -> None:
        """The seller asked for it again."""
        self.ended_at, self.tries, self.give_up_at = None, 0, give_up_at


class Exchange(models.Model):
    """One try of a call: what was sent and what came, as people may read it. Append-only (trigger) for 30 days, then
    it may be purged.

    `at` is the machine's real time. No password, no key and no signature stands here.
    """

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="exchanges")
    at = models.DateTimeField(default=clock.machine_now)
    request = models.TextField()
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.TextField(blank=True)
    fault = models.TextField(blank=True)
    milliseconds = models.PositiveIntegerField(default=0)

    class Meta(TypedModelMeta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"Try of {self.call_id}"


class SellerLine(models.Model):
    """Whether a seller's servers answer at all: after several calls without an answer he is left alone for a while."""

    seller = models.OneToOneField(Seller, on_delete=models.PROTECT, related_name="+")
    failures = models.PositiveIntegerField(default=0)
    rests_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Line to {self.seller_id}"


class DebugRun(models.Model):
    """A case of the debugger as it went: a call about a mock order, with testFlag 1. Append-only (trigger) for 30 days, then
    it may be purged."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    version = models.CharField(max_length=2, choices=Version.choices)
    activity = models.CharField(max_length=12, choices=Activity.choices)
    charging = models.CharField(max_length=12)
    passed = models.BooleanField()
    request = models.TextField()
    answer = models.TextField(blank=True)
    faults = models.TextField(blank=True)
    instance_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=clock.now)
    by = models.CharField(max_length=200)

    class Meta(TypedModelMeta):
        indexes = [models.Index("product", F("id").desc(), name="debug_run_newest")]

    def __str__(self) -> str:
        return f"{self.activity} of {self.product_id}: {'passed' if self.passed else 'failed'}"
