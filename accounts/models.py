"""People, the organisations that buy, the organisations that sell, and the keys of their programs."""

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Role
from koogallery.kernel import clock
from koogallery.kernel.ids import public_id
from koogallery.kernel.money import CurrencyField

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class UserManager(BaseUserManager["User"]):
    """Makes users; e-mail addresses are stored in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class Theme(models.TextChoices):
    """Which look the server prints."""

    SYSTEM = "system", _("System")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class User(AbstractBaseUser, PermissionsMixin):
    """A person, who logs in by e-mail and may belong to several accounts and sellers."""

    email = models.EmailField(_("email address"), max_length=254, unique=True)
    full_name = models.CharField(_("full name"), max_length=120, blank=True)
    is_staff = models.BooleanField(_("operations staff"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(default=clock.now, editable=False)
    language = models.CharField(_("language"), max_length=12, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    theme = models.CharField(_("theme"), max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    wants_email = models.BooleanField(_("e-mail me when something needs me"), default=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []  # type: ignore[misc]
    objects = UserManager()

    # Read with the person whose session it is (`accounts.backends`); not there otherwise.
    oldest_membership: "Membership | None"
    sells: bool

    class Meta(TypedModelMeta):
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique_in_any_case",
                violation_error_message=_("There is a person with this e-mail address already."),
            )
        ]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.full_name or self.email

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0] if self.full_name else self.email


class CustomerLevel(models.TextChoices):
    """Decides grace and retention periods where settings differ by level (RULES 3.1)."""

    STANDARD = "standard", _("Standard")
    PREMIUM = "premium", _("Premium")


class Reseller(models.Model):
    """A partner through whom customers buy; they pay the partner, not us (guide 2.1 NOTE)."""

    name = models.CharField(max_length=120, unique=True)
    frozen_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class AccountQuerySet(models.QuerySet["Account"]):
    def of_user(self, user: User) -> Self:
        """Accounts that `user` is a member of."""
        return self.filter(memberships__user=user)


class Account(models.Model):
    """A buying organisation: what orders, subscriptions and money belong to."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    name = models.CharField(max_length=120)
    country = models.CharField(max_length=2, default="SG", help_text=_("ISO 3166-1 alpha-2"))
    currency = CurrencyField()
    level = models.CharField(max_length=16, choices=CustomerLevel.choices, default=CustomerLevel.STANDARD)
    reseller = models.ForeignKey(Reseller, null=True, blank=True, on_delete=models.PROTECT, related_name="accounts")
    frozen_at = models.DateTimeField(null=True, blank=True, help_text=_("A frozen account cannot place orders."))
    appeals_filed_for_us = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("When a seller is silent for more than five days the platform files the appeal."),
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = AccountQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def is_frozen(self) -> bool:
        return self.frozen_at is not None or bool(self.reseller_id and self.reseller and self.reseller.frozen_at)


class Membership(models.Model):
    """A person's role in a buying account."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta(TypedModelMeta):
        constraints = [models.UniqueConstraint(fields=["account", "user"], name="one_membership_per_account_and_user")]

    def __str__(self) -> str:
        return f"{self.user} in {self.account} ({self.role})"


class SellerQuerySet(models.QuerySet["Seller"]):
    def of_user(self, user: User) -> Self:
        """Sellers that `user` is a member of."""
        return self.filter(members__user=user)


class Seller(models.Model):
    """An organisation that sells: the Service Provider of the guide."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=120, unique=True)
    country = models.CharField(max_length=2, default="SG", help_text=_("ISO 3166-1 alpha-2"))
    about = models.TextField(max_length=2000, blank=True)
    email = models.EmailField(_("customer service email address"))
    phone = models.CharField(max_length=40, blank=True)
    website = models.URLField(blank=True)
    support_hours = models.CharField(max_length=200, blank=True)
    frozen_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = SellerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class SellerMember(models.Model):
    """A person who works in a seller's portal."""

    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="seller_memberships")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta(TypedModelMeta):
        constraints = [models.UniqueConstraint(fields=["seller", "user"], name="one_membership_per_seller_and_user")]

    def __str__(self) -> str:
        return f"{self.user} for {self.seller}"


def hash_key(key: str) -> str:
    """What is stored of an API key. The key has 256 random bits, so a plain digest cannot be searched."""
    return hashlib.sha256(key.encode()).hexdigest()


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self) -> Self:
        """Keys that still open the door: not revoked, and their maker is still a member."""
        of_buyer = Membership.objects.filter(account=models.OuterRef("account"), user=models.OuterRef("user"))
        of_seller = SellerMember.objects.filter(seller=models.OuterRef("seller"), user=models.OuterRef("user"))
        # No joins: every call of a program begins with this read.
        return self.filter(models.Exists(of_buyer) | models.Exists(of_seller), revoked_at=None, user__is_active=True)


class ApiKey(models.Model):
    """A program's key, which acts for one buying account or one seller with its maker's role."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.CASCADE, related_name="api_keys")
    seller = models.ForeignKey(Seller, null=True, blank=True, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(
        max_length=12, editable=False, help_text=_("The key's first characters, to tell keys apart")
    )
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta(TypedModelMeta):
        constraints = [
            models.CheckConstraint(
                name="api_key_acts_for_one_account_or_one_seller",
                condition=Q(account__isnull=True, seller__isnull=False) | Q(account__isnull=False, seller__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def revoke(self, at: datetime) -> None:
        self.revoked_at = at
        self.save(update_fields=["revoked_at"])


class AccountChange(models.Model):
    """Somebody changed what the platform does for an account: who, what, when, from where. Append-only (trigger)."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="changes")
    at = models.DateTimeField()
    by = models.CharField(max_length=200)
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    role = models.CharField(max_length=24, blank=True)
    what = models.CharField(max_length=80)
    address = models.CharField(max_length=45, blank=True)

    class Meta(TypedModelMeta):
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.what


class Reveal(models.Model):
    """A secret was shown to a person or his key: who, what, when, from where. Append-only (trigger)."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    account = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="reveals")
    key = models.ForeignKey(ApiKey, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    by = models.CharField(max_length=200)
    role = models.CharField(max_length=24, blank=True)
    what = models.CharField(max_length=80)
    of = models.CharField(max_length=80)
    at = models.DateTimeField()
    address = models.CharField(max_length=45, blank=True)

    class Meta(TypedModelMeta):
        ordering = ["-id"]
        indexes = [models.Index("user", models.F("at").desc(), name="reveal_user_newest")]

    def __str__(self) -> str:
        return f"{self.what} of {self.of}"
