"""What was ordered, the servers that it becomes, and when they ran."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from accounts.models import Account, User
from catalog.choices import BillingMode, DiskType
from catalog.models import Flavor, ImageVersion, Region
from koogallery.kernel import clock
from koogallery.kernel.fields import StatusField
from koogallery.kernel.ids import public_id
from koogallery.kernel.money import CurrencyField, UnitPriceField
from koogallery.kernel.secrets import EncryptedTextField
from orders.choices import OrderStatus
from orders.models import Order, Subscription
from provisioning.compute.choices import DeploymentStatus, LoginMode, ServerStatus
from provisioning.compute.models.networks import EcsGroup, EnterpriseProject, KeyPair, SecurityGroup, Subnet
from provisioning.compute.rules import server_names

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def to_come(self) -> Self:
        """Whose servers are not begun: their order waits for payment, or was just paid. A canceled order's never come,
        also before its outbox has told so."""
        return self.filter(status=DeploymentStatus.WAITING).exclude(order__status=OrderStatus.CANCELLED)


class Deployment(models.Model):
    """How the servers of one order are to be; they are made once it is paid.

    `password` is sealed from Submit until the servers are made, or the order ends, and then erased; an order that waits
    for payment keeps it until `forget_password_at`. The unit prices are those of one server at the order: for an hour,
    month or year of `billing_mode`.
    """

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="deployment")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="deployments")
    status = StatusField(default=DeploymentStatus.WAITING, choices=DeploymentStatus.choices, editable=False)
    billing_mode = models.CharField(max_length=16, choices=BillingMode.choices)
    quantity = models.PositiveSmallIntegerField()
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    zone = models.CharField(max_length=20, blank=True)
    image = models.ForeignKey(ImageVersion, on_delete=models.PROTECT, related_name="+")
    flavor = models.ForeignKey(Flavor, on_delete=models.PROTECT, related_name="+")
    system_disk_type = models.CharField(max_length=20, choices=DiskType.choices)
    system_disk_gb = models.PositiveIntegerField()
    data_disks = models.JSONField(default=list)
    bandwidth = models.PositiveIntegerField(default=0, help_text=_("Mbit/s of an EIP; 0: none"))
    subnet = models.ForeignKey(Subnet, on_delete=models.PROTECT, related_name="deployments")
    security_group = models.ForeignKey(SecurityGroup, on_delete=models.PROTECT, related_name="deployments")
    name = models.CharField(max_length=64)
    # Of several servers: the number behind the first one's name.
    first_number = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    login_mode = models.CharField(max_length=12, choices=LoginMode.choices)
    key_pair = models.ForeignKey(KeyPair, null=True, on_delete=models.PROTECT, related_name="+")
    password = EncryptedTextField(null=True, editable=False)
    forget_password_at = models.DateTimeField(null=True, editable=False)
    auto_recovery = models.BooleanField(default=True)
    ecs_group = models.ForeignKey(EcsGroup, null=True, on_delete=models.PROTECT, related_name="+")
    enterprise_project = models.ForeignKey(EnterpriseProject, null=True, on_delete=models.PROTECT, related_name="+")
    currency = CurrencyField()
    software_unit_price = UnitPriceField()
    server_unit_price = UnitPriceField()
    # When the next step on what its servers share is due.
    next_step_at = models.DateTimeField(null=True, editable=False)
    tries = models.PositiveIntegerField(default=0, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = DeploymentQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("next_step_at", "id", condition=Q(next_step_at__isnull=False), name="compute_deployment_due"),
            models.Index(
                "forget_password_at",
                "id",
                condition=Q(forget_password_at__isnull=False),
                name="compute_forget_password_due",
            ),
            models.Index("account", condition=Q(status=DeploymentStatus.WAITING), name="compute_deployment_waiting"),
        ]
        constraints = [
            models.CheckConstraint(
                name="finished_deployments_keep_no_password",
                condition=Q(status__in=["waiting", "building"]) | Q(password__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.name} ({self.order_id})"

    @property
    def server_names(self) -> list[str]:
        """What its servers are called; none where several were ordered before names were given with the order."""
        return (
            server_names(self.name, self.quantity, self.first_number) if self.first_number or self.quantity == 1 else []
        )

    @transition(status, source=DeploymentStatus.WAITING, target=DeploymentStatus.BUILDING)
    def start(self, at: datetime) -> None:
        """The order is paid."""
        self.started_at = self.next_step_at = at
        self.forget_password_at = None

    @transition(status, source=DeploymentStatus.BUILDING, target=DeploymentStatus.DELIVERED)
    def deliver(self) -> None:
        """All servers run."""
        self.password = self.next_step_at = None

    def forget_password(self) -> None:
        """It has waited for payment too long: the buyer sets one when the servers run."""
        self.password = self.forget_password_at = None

    @transition(
        status,
        source=[DeploymentStatus.WAITING, DeploymentStatus.BUILDING, DeploymentStatus.DELIVERED],
        target=DeploymentStatus.WITHDRAWN,
    )
    def withdraw(self) -> None:
        """Not paid, could not be made, or taken back."""
        self.password = self.next_step_at = self.forget_password_at = None


class ServerQuerySet(models.QuerySet["Server"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(account=account)

    def existing(self) -> Self:
        """Not deleted: they count towards the quota and keep their networks."""
        return self.exclude(status=ServerStatus.DELETED)

    def listed(self) -> Self:
        """What the console lists."""
        return self.exclude(status=ServerStatus.DELETED).order_by("-created_at", "-id")

    def with_console_columns(self) -> Self:
        """With what its console page prints, in the same query."""
        return self.select_related(
            "deployment__region",
            "deployment__flavor",
            "deployment__image__product",
            "deployment__subnet__vpc",
            "deployment__security_group",
            "deployment__key_pair",
            "deployment__ecs_group",
            "deployment__enterprise_project",
            "deployment__order",
            "subscription",
            "image_subscription",
        )


class Server(models.Model):
    """One ECS with the seller's image on it: two subscriptions, each billed and renewed by itself.

    `next_step_at` is when its saga goes on (`services/saga.py`); `attempt` counts machines that were made and thrown away.
    `needs_password`: nobody knows its password, because the order was paid late; the buyer has it reset.
    """

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="servers")
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="servers")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=70)
    subscription = models.OneToOneField(Subscription, on_delete=models.PROTECT, related_name="server")
    image_subscription = models.OneToOneField(Subscription, on_delete=models.PROTECT, related_name="image_server")
    status = StatusField(default=ServerStatus.BUILDING, choices=ServerStatus.choices, editable=False)
    zone = models.CharField(max_length=20, blank=True)
    private_ip = models.GenericIPAddressField(null=True)
    public_ip = models.GenericIPAddressField(null=True)
    attempt = models.PositiveSmallIntegerField(default=1, editable=False)
    tries = models.PositiveIntegerField(default=0, editable=False)
    fault = models.CharField(max_length=300, blank=True, editable=False)
    next_step_at = models.DateTimeField(null=True, editable=False)
    frozen_at = models.DateTimeField(null=True, editable=False)
    needs_password = models.BooleanField(default=False, db_default=False, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    built_at = models.DateTimeField(null=True, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    objects = ServerQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("account", F("created_at").desc(), F("id").desc(), name="compute_server_newest"),
            models.Index("next_step_at", "id", condition=Q(next_step_at__isnull=False), name="compute_server_due"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["deployment", "number"], name="one_server_per_number"),
            models.CheckConstraint(
                name="deleted_servers_know_when", condition=~Q(status="deleted") | Q(deleted_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("compute:server", args=[self.public_id])

    @property
    def is_by_use(self) -> bool:
        return self.deployment.billing_mode == BillingMode.PAY_PER_USE

    @transition(status, source=ServerStatus.BUILDING, target=ServerStatus.RUNNING)
    def deliver(self) -> None:
        """It is up, and so are all others of its order."""

    @transition(status, source=[ServerStatus.RUNNING, ServerStatus.REBOOTING], target=ServerStatus.STOPPING)
    def stop(self) -> None:
        """From now on it is not billed."""

    @transition(status, source=ServerStatus.STOPPING, target=ServerStatus.STOPPED)
    def stopped(self) -> None:
        """The provider has stopped it."""

    @transition(status, source=[ServerStatus.STOPPED, ServerStatus.STOPPING], target=ServerStatus.STARTING)
    def start(self) -> None:
        """The provider is asked to start it."""

    @transition(status, source=[ServerStatus.STARTING, ServerStatus.REBOOTING], target=ServerStatus.RUNNING)
    def running(self) -> None:
        """It is up again."""

    @transition(status, source=ServerStatus.RUNNING, target=ServerStatus.REBOOTING)
    def restart(self) -> None:
        """Still billed."""

    @transition(status, source=ServerStatus.STARTING, target=ServerStatus.STOPPING)
    def stop_starting(self) -> None:
        """Frozen before it was up."""

    @transition(
        status,
        source=[
            ServerStatus.BUILDING,
            ServerStatus.RUNNING,
            ServerStatus.STOPPING,
            ServerStatus.STOPPED,
            ServerStatus.STARTING,
            ServerStatus.REBOOTING,
        ],
        target=ServerStatus.DELETING,
    )
    def delete_at_provider(self, at: datetime) -> None:
        """Everything of it is taken away."""
        self.next_step_at, self.tries = at, 0

    @transition(status, source=ServerStatus.DELETING, target=ServerStatus.DELETED)
    def deleted(self, at: datetime) -> None:
        """Nothing is left at the provider."""
        self.deleted_at, self.next_step_at = at, None


class ServerRun(models.Model):
    """A stretch of time in which a server ran: what metering charges, by the second.

    One row a stretch: opened when the server is up, closed once when it is stopped, frozen or deleted.
    """

    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="runs")
    started_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)

    class Meta(TypedModelMeta):
        ordering = ["started_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["server"], condition=Q(stopped_at=None), name="one_open_run_per_server"),
            models.CheckConstraint(
                name="runs_end_after_they_begin", condition=Q(stopped_at=None) | Q(stopped_at__gte=F("started_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.server_id} from {self.started_at}"


class ServerRecord(models.Model):
    """Who did what to a server, and what became of it. Append-only (trigger)."""

    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="records")
    at = models.DateTimeField()
    text = models.CharField(max_length=200)
    by = models.CharField(max_length=200)
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta(TypedModelMeta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.text
