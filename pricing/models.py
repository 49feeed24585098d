"""What lowers prices and what is laid on them: discounts, coupons, tax rates, resellers' prices; and used quotes."""

import secrets
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from accounts.models import Account, Reseller, Seller
from catalog.choices import BillingMode
from catalog.models import Product, Specification
from koogallery.kernel import clock
from koogallery.kernel.compiled import Param
from koogallery.kernel.fields import StatusField
from koogallery.kernel.money import AmountField, CurrencyField, Money, UnitPriceField
from pricing.choices import CouponKind, CouponUseStatus, DiscountKind
from pricing.reductions import percent_text

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object

# A row's number, or one that a compiled read is given later.
Ref = int | Param

CODE_LENGTH = 16
# Without 0, O, 1, I: a code is read aloud and typed.
CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def coupon_code() -> str:
    """A new code of 80 random bits, which cannot be guessed."""
    return "".join(secrets.choice(CODE_LETTERS) for _place in range(CODE_LENGTH))


class QuoteUse(models.Model):
    """A claim on a quote's nonce. A small table of its own, so that uniqueness survives partitioned orders."""

    nonce = models.CharField(max_length=32, primary_key=True)
    used_at = models.DateTimeField()
    order_number = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.nonce


class PercentField(models.DecimalField):
    """A column for a percentage, 0 to 100, with two decimals."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("max_digits", 5)
        kwargs.setdefault("decimal_places", 2)
        kwargs.setdefault("validators", [MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))])
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]


class DiscountQuerySet(models.QuerySet["Discount"]):
    def in_force(self, at: datetime | Param) -> Self:
        return self.filter(Q(valid_until=None) | Q(valid_until__gt=at), valid_from__lte=at)

    def for_buyer(self, account: Ref | None, reseller: Ref | None) -> Self:
        """Granted to everybody, to the account, or by its reseller; a reseller's customer has only his grants.

        Without an account, what a visitor sees.
        """
        if account is None:
            return self.filter(kind=DiscountKind.PROMOTIONAL, account=None, reseller=None)
        return self.filter(Q(account=None) | Q(account=account), reseller=reseller)

    def for_product(self, product: Ref, seller: Ref) -> Self:
        return self.filter(Q(product=None) | Q(product=product), Q(seller=None) | Q(seller=seller))


class Discount(models.Model):
    """A percentage off list prices: by contract, by a partner for his customers, or as a promotion (RULES 6).

    An order has one at the most, the narrowest that fits: for the customer before for the product before for the
    seller before for the partner.
    """

    kind = models.CharField(max_length=12, choices=DiscountKind.choices)
    name = models.CharField(max_length=80, help_text=_("How the buyer sees it: Autumn promotion, Contract 2026-17"))
    percent = PercentField()
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.CASCADE, related_name="discounts")
    reseller = models.ForeignKey(Reseller, null=True, blank=True, on_delete=models.CASCADE, related_name="discounts")
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.CASCADE, related_name="discounts")
    seller = models.ForeignKey(Seller, null=True, blank=True, on_delete=models.CASCADE, related_name="discounts")
    valid_from = models.DateTimeField(default=clock.now)
    valid_until = models.DateTimeField(null=True, blank=True)

    objects = DiscountQuerySet.as_manager()

    class Meta(TypedModelMeta):
        constraints = [
            models.CheckConstraint(
                name="discount_percent",
                condition=Q(percent__gt=0, percent__lte=100),
                violation_error_message=_("Enter a discount of more than 0 and at most 100 per cent."),
            ),
            models.CheckConstraint(
                name="commercial_discounts_name_their_account",
                condition=~Q(kind="commercial") | Q(account__isnull=False),
                violation_error_message=_("Select the account that a commercial discount is for."),
            ),
            models.CheckConstraint(
                name="partner_discounts_name_their_partner",
                condition=Q(kind="partner", reseller__isnull=False) | ~Q(kind="partner") & Q(reseller__isnull=True),
                violation_error_message=_("Select a reseller for a partner discount, and none for another."),
            ),
            models.CheckConstraint(
                name="discount_ends_after_it_starts",
                condition=Q(valid_until=None) | Q(valid_until__gt=F("valid_from")),
                violation_error_message=_("A discount ends after it starts."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.percent} %"

    @property
    def percent_label(self) -> str:
        return percent_text(self.percent)


class ResellerPrice(models.Model):
    """A reseller's own price list: his customers' list price of one specification, instead of the seller's amount."""

    reseller = models.ForeignKey(Reseller, on_delete=models.CASCADE, related_name="prices")
    specification = models.ForeignKey(Specification, on_delete=models.CASCADE, related_name="reseller_prices")
    billing_mode = models.CharField(max_length=16, choices=BillingMode.choices)
    currency = CurrencyField()
    amount = UnitPriceField()

    class Meta(TypedModelMeta):
        constraints = [
            models.UniqueConstraint(
                fields=["reseller", "specification", "billing_mode", "currency"], name="one_reseller_price_per_mode"
            ),
            models.CheckConstraint(
                name="reseller_price_not_negative",
                condition=Q(amount__gte=0),
                violation_error_message=_("Enter a price of 0 or more."),
            ),
        ]

    def __str__(self) -> str:
        return f"{Money(self.amount, self.currency)} {self.billing_mode}"


class TaxRate(models.Model):
    """A country's tax on what its accounts buy; without a row there is none."""

    country = models.CharField(max_length=2, validators=[RegexValidator("^[A-Z]{2}$")])
    name = models.CharField(max_length=40, help_text=_("How documents name it: GST, VAT"))
    percent = PercentField()
    valid_from = models.DateTimeField(default=clock.now)
    valid_until = models.DateTimeField(null=True, blank=True)

    class Meta(TypedModelMeta):
        constraints = [
            models.CheckConstraint(
                name="tax_percent",
                condition=Q(percent__gte=0, percent__lte=100),
                violation_error_message=_("Enter a tax of 0 to 100 per cent."),
            ),
            models.UniqueConstraint(
                fields=["country"],
                condition=Q(valid_until=None),
                name="one_open_tax_rate_per_country",
                violation_error_message=_("The country has a tax rate without an end already. End that one first."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country} {self.name} {self.percent} %"


class CouponQuerySet(models.QuerySet["Coupon"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(account=account)

    def usable(self, at: datetime | Param) -> Self:
        """Valid now, and something is left of it."""
        return self.filter(valid_from__lte=at, valid_until__gt=at, remaining__gt=0)


class Coupon(models.Model):
    """Something that pays for a part of an order, redeemed by its code (RULES 6).

    `remaining` is what is left: of a cash coupon money in `currency`, of a discount coupon 1 or 0. What orders have
    reserved is taken off already, so that two tabs cannot spend it twice.
    """

    code = models.CharField(max_length=CODE_LENGTH, unique=True, default=coupon_code, editable=False)
    kind = models.CharField(max_length=8, choices=CouponKind.choices)
    name = models.CharField(max_length=80)
    account = models.ForeignKey(
        Account,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="coupons",
        help_text=_("Empty: whoever redeems the code first."),
    )
    currency = CurrencyField()
    amount = AmountField(default=0, help_text=_("Of a cash coupon: what it is worth."))
    percent = PercentField(default=0, help_text=_("Of a discount coupon: what it takes off."))
    remaining = AmountField(editable=False)
    minimum_spend = AmountField(default=0, help_text=_("After discounts"))
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    seller = models.ForeignKey(
        Seller,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("For this seller's products only, and at his cost; otherwise the platform pays."),
    )
    with_commercial = models.BooleanField(_("combinable with commercial discounts"), default=True)
    with_partner = models.BooleanField(_("combinable with partner discounts"), default=True)
    with_promotional = models.BooleanField(_("combinable with promotional discounts"), default=True)
    valid_from = models.DateTimeField(default=clock.now)
    valid_until = models.DateTimeField()
    created_at = models.DateTimeField(default=clock.now, editable=False)
    redeemed_at = models.DateTimeField(null=True, editable=False)

    objects = CouponQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [models.Index("account", F("valid_until").desc(), F("id").desc(), name="coupon_account_valid")]
        constraints = [
            models.CheckConstraint(
                name="coupon_worth_something",
                condition=Q(kind="cash", amount__gt=0, percent=0)
                | Q(kind="discount", amount=0, percent__gt=0, percent__lte=100),
                violation_error_message=_(
                    "A cash coupon is worth an amount, a discount coupon takes off more than 0 and at most 100 per cent; "
                    "the other field stays 0."
                ),
            ),
            models.CheckConstraint(
                name="coupon_never_overspent",
                condition=Q(kind="cash", remaining__gte=0, remaining__lte=F("amount"))
                | Q(kind="discount", remaining__in=[0, 1]),
            ),
            models.CheckConstraint(
                name="coupon_minimum_not_negative",
                condition=Q(minimum_spend__gte=0),
                violation_error_message=_("Enter a minimum spend of 0 or more."),
            ),
            models.CheckConstraint(
                name="coupon_ends_after_it_starts",
                condition=Q(valid_until__gt=F("valid_from")),
                violation_error_message=_("A coupon ends after it begins."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code[:4]}…)"

    @property
    def value(self) -> Decimal:
        """What it starts with: see `remaining`."""
        return self.amount if self.kind == CouponKind.CASH else Decimal(1)

    @property
    def worth(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def left(self) -> Money:
        return Money(self.remaining, self.currency)

    @property
    def minimum_money(self) -> Money:
        return Money(self.minimum_spend, self.currency)

    @property
    def percent_label(self) -> str:
        return percent_text(self.percent)

    @property
    def combines_with(self) -> frozenset[str]:
        flags = {
            DiscountKind.COMMERCIAL: self.with_commercial,
            DiscountKind.PARTNER: self.with_partner,
            DiscountKind.PROMOTIONAL: self.with_promotional,
        }
        return frozenset(kind.value for kind, combines in flags.items() if combines)


class CouponUse(models.Model):
    """What one order takes of a coupon. An order has at most one that is not returned."""

    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="uses")
    order_number = models.CharField(max_length=20)
    currency = CurrencyField()
    amount = AmountField(help_text=_("By how much it lowered the order"))
    taken = AmountField(help_text=_("What was taken of the coupon: the amount, or one use"))
    status = StatusField(default=CouponUseStatus.RESERVED, choices=CouponUseStatus.choices, editable=False)
    reserved_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta(TypedModelMeta):
        constraints = [
            models.UniqueConstraint(
                fields=["order_number"], condition=~Q(status="returned"), name="one_coupon_per_order"
            ),
            models.UniqueConstraint(fields=["coupon", "order_number"], name="a_coupon_once_per_order"),
            models.CheckConstraint(name="coupon_use_takes_something", condition=Q(amount__gte=0, taken__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.coupon} for {self.order_number}"

    @transition(status, source=CouponUseStatus.RESERVED, target=CouponUseStatus.SPENT)
    def spend(self, at: datetime) -> None:
        self.ended_at = at

    @transition(status, source=[CouponUseStatus.RESERVED, CouponUseStatus.SPENT], target=CouponUseStatus.RETURNED)
    def give_back(self, at: datetime) -> None:
        """The order was canceled or refunded in whole (RULES 4: cash coupons return)."""
        self.ended_at = at
