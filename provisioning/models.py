"""Application information: what a seller gives for a buyer to log in to his app with (guide 3.3)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from django.db import models

from accounts.models import User
from koogallery.kernel.secrets import EncryptedTextField
from orders.models import Subscription
from provisioning.rules import LONGEST_NAME, LONGEST_URL
from provisioning.saas.models import AccessKey, Call, DebugRun, Exchange, Instance, ProductInterface, SellerLine

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object

__all__ = [
    "AccessKey",
    "Application",
    "ApplicationMemo",
    "ApplicationPassword",
    "Call",
    "DebugRun",
    "Exchange",
    "Handover",
    "Instance",
    "ProductInterface",
    "SellerLine",
]


class ApplicationQuerySet(models.QuerySet["Application"]):
    def of(self, subscriptions: Iterable[Subscription]) -> Self:
        """All versions of these apps, the first one first, with what tells whether there is a password and the buyer sees it."""
        return (
            self.filter(subscription__in=list(subscriptions))
            .select_related("password", "memo", "handover")
            .order_by("version")
        )

    def handed_over(self) -> Self:
        """Versions that have reached the buyer."""
        return self.filter(handover__isnull=False)


class Application(models.Model):
    """One version of an app's information: a row for each time that the seller gave it. Append-only (trigger).

    The buyer sees the newest version that was handed over; the platform's review may hold one back.
    `password_changed` says whether its password is another one than the version's before.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="applications")
    version = models.PositiveSmallIntegerField()
    username = models.CharField(max_length=LONGEST_NAME, blank=True)
    frontend_url = models.CharField(max_length=LONGEST_URL)
    management_url = models.CharField(max_length=LONGEST_URL, blank=True)
    password_changed = models.BooleanField()
    given_at = models.DateTimeField()
    by = models.CharField(max_length=200)
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = ApplicationQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["version"]
        constraints = [
            models.UniqueConstraint(fields=["subscription", "version"], name="one_application_per_version"),
            models.CheckConstraint(name="application_versions_from_one", condition=models.Q(version__gte=1)),
            models.CheckConstraint(
                name="application_addresses_are_of_the_web",
                condition=models.Q(frontend_url__iregex="^https?://")
                & (models.Q(management_url="") | models.Q(management_url__iregex="^https?://")),
            ),
        ]

    def __str__(self) -> str:
        return f"Application information {self.version} of {self.subscription_id}"


class ApplicationPassword(models.Model):
    """A version's password, encrypted. Apart from the version, whose row never changes: keys of secrets do."""

    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="password")
    password = EncryptedTextField()

    def __str__(self) -> str:
        return f"Password of application information {self.application_id}"


class ApplicationMemo(models.Model):
    """What else a seller's server said with a version, encrypted: passwords stand there too."""

    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="memo")
    memo = EncryptedTextField()

    def __str__(self) -> str:
        return f"Memo of application information {self.application_id}"


class Handover(models.Model):
    """From when the buyer sees a version. Append-only (trigger)."""

    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="handover")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Handover of application information {self.application_id}"
