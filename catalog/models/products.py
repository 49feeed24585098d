"""What is sold: categories, products, their specifications, list prices and agreements."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from accounts.models import Seller
from catalog.choices import (
    METERED_METHODS,
    PRODUCT_DELIVERY_METHODS,
    AttributeKind,
    BillingMode,
    FlowType,
    OperatingSystem,
    PriceScheme,
    ProductStatus,
)
from catalog.price_shapes import check_mode, checked_surcharges, checked_tiers
from koogallery.kernel import clock
from koogallery.kernel.compiled import Param
from koogallery.kernel.fields import StatusField
from koogallery.kernel.money import CurrencyField, Money, UnitPriceField

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class Category(models.Model):
    """A node of the two-level category tree (guide 9.2)."""

    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=80)
    text = models.TextField(max_length=1000, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(TypedModelMeta):
        ordering = ["position", "name"]
        verbose_name_plural = _("categories")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("catalog:category", args=[self.slug])


class ProductQuerySet(models.QuerySet["Product"]):
    def published(self) -> Self:
        """Listed in the storefront: published, public, of a seller who is not frozen."""
        return self.filter(status=ProductStatus.PUBLISHED, public_sales=True, seller__frozen_at=None)

    def reachable(self) -> Self:
        """May be opened by its address: published (also when only sold by address) or taken down."""
        return self.filter(status__in=[ProductStatus.PUBLISHED, ProductStatus.TAKEN_DOWN])

    def for_seller(self, seller: Seller) -> Self:
        return self.filter(seller=seller)

    def with_card_columns(self) -> Self:
        """With what a product card prints, in one query."""
        return self.select_related("seller", "category").defer(*Product.LONG_COLUMNS)


class Product(models.Model):
    """One listing of a seller.

    The `lowest_*` and `billing_modes` columns repeat what the prices say, so that a listing of millions
    filters and sorts on one table; `catalog.services.refresh_listing` keeps them, `check_books` checks them.
    """

    LONG_COLUMNS = ("description", "requirement_template", "support_content", "search_vector")
    """What only a product's own page and form print."""

    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="products")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="products")
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    tagline = models.CharField(max_length=200, blank=True)
    description = models.TextField(max_length=20_000, blank=True, help_text=_("Markdown"))
    highlights = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    version = models.CharField(max_length=20, default="V1.0")
    logo = models.TextField(blank=True, help_text=_("A safe SVG tile, or empty for a generated one"))
    delivery_method = models.CharField(
        max_length=24, choices=[(method.value, method.label) for method in PRODUCT_DELIVERY_METHODS]
    )
    supervised = models.BooleanField(
        _("involve service supervision"), help_text=_("Licences and professional services always; images never.")
    )
    flow_type = models.CharField(max_length=16, choices=FlowType.choices, blank=True)
    joint_operation = models.BooleanField(default=False, help_text=_("Deliveries pass the platform's review."))
    operating_systems = ArrayField(models.CharField(max_length=16, choices=OperatingSystem.choices), default=list)
    status = StatusField(default=ProductStatus.DRAFT, choices=ProductStatus.choices)
    public_sales = models.BooleanField(default=True, help_text=_("Off: sold only by its address."))
    auto_renewal_supported = models.BooleanField(default=False)
    badges = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    support_hours = models.CharField(max_length=200, blank=True)
    support_content = models.TextField(max_length=2000, blank=True)
    support_hotline = models.CharField(max_length=60, blank=True)
    support_email = models.EmailField(blank=True)
    guide_url = models.URLField(blank=True)
    requirement_template = models.TextField(max_length=20_000, blank=True)
    popularity = models.PositiveIntegerField(default=0, help_text=_("Completed orders, plus a start value"))
    published_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    currency = CurrencyField()
    lowest_price = UnitPriceField(null=True, editable=False)
    lowest_price_mode = models.CharField(max_length=16, choices=BillingMode.choices, blank=True, editable=False)
    lowest_price_unit = models.CharField(max_length=40, blank=True, editable=False)
    has_several_prices = models.BooleanField(default=False, editable=False)
    billing_modes = ArrayField(
        models.CharField(max_length=16, choices=BillingMode.choices), default=list, editable=False
    )

    search_vector = models.GeneratedField(
        expression=SearchVector("name", weight="A", config="english")
        + SearchVector("tagline", weight="B", config="english")
        + SearchVector("description", weight="C", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = ProductQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            GinIndex(fields=["search_vector"], name="product_search_vector"),
            GinIndex(OpClass("name", name="gin_trgm_ops"), name="product_name_trigrams"),
            models.Index("category", F("published_at").desc(), "id", name="product_category_newest"),
            models.Index(F("published_at").desc(), "id", condition=Q(status="published"), name="product_newest"),
            models.Index(F("popularity").desc(), "id", condition=Q(status="published"), name="product_popular"),
            models.Index(
                "category",
                F("popularity").desc(),
                "id",
                condition=Q(status="published"),
                name="product_category_popular",
            ),
            models.Index("lowest_price", "id", condition=Q(status="published"), name="product_price"),
            models.Index("seller", "status", name="product_seller_status"),
            GinIndex(fields=["operating_systems"], name="product_operating_systems"),
            GinIndex(fields=["billing_modes"], name="product_billing_modes"),
        ]
        constraints = [
            models.CheckConstraint(
                name="licences_and_services_are_supervised_images_never",
                condition=Q(delivery_method__in=["license", "professional_service"], supervised=True)
                | Q(delivery_method="image", supervised=False)
                | Q(delivery_method="saas"),
                violation_error_message=_("Licences and professional services are supervised, images never."),
            ),
            models.CheckConstraint(
                name="supervised_products_name_their_flow",
                condition=Q(supervised=True) & ~Q(flow_type="") | Q(supervised=False, flow_type=""),
                violation_error_message=_("Select a flow type for a supervised product, and none for another."),
            ),
            models.CheckConstraint(
                name="published_products_know_since_when",
                condition=~Q(status="published") | Q(published_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("orders:product", args=[self.slug])

    @property
    def is_on_sale(self) -> bool:
        """Whether it may be bought at all; delivery may still refuse (orders.ports)."""
        return self.status == ProductStatus.PUBLISHED and self.seller.frozen_at is None

    @property
    def starting_price(self) -> Money | None:
        """The lowest list price, for cards; None when nothing has a price yet."""
        return None if self.lowest_price is None else Money(Decimal(self.lowest_price), self.currency)

    @transition(status, source=[ProductStatus.DRAFT, ProductStatus.CHANGES_REQUESTED], target=ProductStatus.IN_REVIEW)
    def submit_for_review(self) -> None:
        """The seller asks for publication."""

    @transition(status, source=ProductStatus.IN_REVIEW, target=ProductStatus.CHANGES_REQUESTED)
    def request_changes(self) -> None:
        """Operations send it back."""

    @transition(status, source=[ProductStatus.DRAFT, ProductStatus.IN_REVIEW], target=ProductStatus.PUBLISHED)
    def publish(self, at: datetime) -> None:
        """Operations release it; a removed product cannot be restored (RULES 9)."""
        self.published_at = at

    @transition(status, source=ProductStatus.PUBLISHED, target=ProductStatus.TAKEN_DOWN)
    def take_down(self) -> None:
        """Off sale; instances sold keep running (RULES 9)."""


class Specification(models.Model):
    """A variant of a product with its own attributes and prices ("Specification Name" in the guide)."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="specifications")
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)
    max_quantity = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    longest_years = models.PositiveSmallIntegerField(default=1, help_text=_("Longest duration sold: 1 to 3 years"))
    removed_at = models.DateTimeField(null=True, blank=True, help_text=_("A released one is removed, never deleted."))

    class Meta(TypedModelMeta):
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["product", "code"], name="one_specification_per_code"),
            models.CheckConstraint(
                name="max_quantity_at_least_one",
                condition=Q(max_quantity__gte=1),
                violation_error_message=_("At least one can be bought."),
            ),
            models.CheckConstraint(
                name="longest_years_one_to_three",
                condition=Q(longest_years__range=(1, 3)),
                violation_error_message=_("The longest duration sold is 1 to 3 years."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Attribute(models.Model):
    """Something to choose when configuring: one of several choices, or a number between bounds.

    `choices` is a list of `{"code", "name"}` for an enumerated attribute, empty otherwise. Every attribute has
    a default, so that `{}` buys the defaults (API.md).
    """

    specification = models.ForeignKey(Specification, on_delete=models.CASCADE, related_name="attributes")
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=AttributeKind.choices)
    position = models.PositiveSmallIntegerField(default=0)
    choices = models.JSONField(default=list, blank=True)
    minimum = models.PositiveIntegerField(null=True, blank=True)
    maximum = models.PositiveIntegerField(null=True, blank=True)
    step = models.PositiveIntegerField(null=True, blank=True)
    default = models.CharField(max_length=40)
    unit = models.CharField(max_length=40, blank=True, help_text=_("One of what is counted: user, GB"))

    class Meta(TypedModelMeta):
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["specification", "code"], name="one_attribute_per_code"),
            models.CheckConstraint(
                name="quantity_attributes_have_bounds",
                condition=Q(kind="enumerated") | Q(minimum__gte=0, maximum__gte=F("minimum"), step__gte=1),
                violation_error_message=_(
                    "Enter a minimum, a maximum that is not below it, and a step of at least 1 for a quantity."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PriceQuerySet(models.QuerySet["Price"]):
    def offered(self) -> Self:
        """What can be ordered: pay-per-use only of what is metered. Pages, quotes, orders and lists read prices so."""
        metered = Q(specification__product__delivery_method__in=METERED_METHODS)
        return self.filter(metered | ~Q(billing_mode=BillingMode.PAY_PER_USE))


class Price(models.Model):
    """A list price of a specification for one billing mode and currency.

    The amount pays for one year, month, hour or once, for one piece; with `per` it is multiplied by that quantity
    attribute, as `scheme` says. Decimal digits finer than the minor unit are kept.

    `tiers`, for the schemes tiered and volume: `[{"from": 11, "amount": "8.00"}, ...]` in rising order; `amount` is
    the price of a unit below the first of them. `surcharges`: what a choice of an enumerated attribute adds to the
    amount of a unit, `{"attribute code": {"choice code": "3.00"}}`. `pricing.rules` reads both.
    """

    specification = models.ForeignKey(Specification, on_delete=models.CASCADE, related_name="prices")
    billing_mode = models.CharField(max_length=16, choices=BillingMode.choices)
    amount = UnitPriceField()
    currency = CurrencyField()
    per = models.ForeignKey(Attribute, null=True, blank=True, on_delete=models.PROTECT, related_name="prices")
    scheme = models.CharField(max_length=8, choices=PriceScheme.choices, default=PriceScheme.LINEAR)
    tiers = models.JSONField(default=list, blank=True, help_text=_('[{"from": 11, "amount": "8.00"}], in rising order'))
    surcharges = models.JSONField(default=dict, blank=True, help_text=_('{"edition": {"pro": "3.00"}}'))

    objects = PriceQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["billing_mode"]
        constraints = [
            models.UniqueConstraint(
                fields=["specification", "billing_mode", "currency"], name="one_price_per_mode_and_currency"
            ),
            models.CheckConstraint(
                name="list_price_not_negative",
                condition=Q(amount__gte=0),
                violation_error_message=_("Enter a price of 0 or more."),
            ),
            models.CheckConstraint(
                name="tiers_stand_on_a_quantity",
                condition=Q(scheme="linear", tiers=[]) | Q(scheme__in=["tiered", "volume"], per__isnull=False),
                violation_error_message=_("Tiers need a scheme that has them, and the quantity that they count."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.money} {self.billing_mode}"

    def clean(self) -> None:
        """Refuse a mode that cannot be ordered, and tiers and surcharges that pricing could not read."""
        if self.specification.product_id:
            check_mode(self.billing_mode, self.specification.product.delivery_method)
        self.tiers = checked_tiers(self.scheme, self.tiers)
        self.surcharges = checked_surcharges(self.surcharges)
        if self.scheme != PriceScheme.LINEAR and self.per is None:
            raise ValidationError({"per": _("Tiers need the quantity attribute that they count.")})

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


class UpgradeRule(models.Model):
    """What the buyers of a SaaS specification may raise while their term runs (RULES 7). None by default.

    `attributes` are codes of the specification's attributes. The target is always the same specification.
    """

    specification = models.OneToOneField(Specification, on_delete=models.CASCADE, related_name="upgrade_rule")
    attributes = models.JSONField(help_text=_('Codes of the attributes that may be raised: ["users"]'))
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"Upgrade of {self.specification}"

    def clean(self) -> None:
        """Refuse what names no attribute of the specification."""
        known = set(self.specification.attributes.values_list("code", flat=True))
        if not isinstance(self.attributes, list) or not self.attributes or not set(map(str, self.attributes)) <= known:
            raise ValidationError({"attributes": _("Give a list of codes of this specification's attributes.")})


class CustomerCase(models.Model):
    """A story of a customer, on the product page's Customer Case tab."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="customer_cases")
    customer = models.CharField(max_length=120)
    title = models.CharField(max_length=200)
    text = models.TextField(max_length=4000)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(TypedModelMeta):
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.title


class ReleaseNote(models.Model):
    """What a version brought."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="release_notes")
    version = models.CharField(max_length=20)
    released_at = models.DateTimeField()
    text = models.TextField(max_length=4000)

    class Meta(TypedModelMeta):
        ordering = ["-released_at"]

    def __str__(self) -> str:
        return f"{self.product} {self.version}"


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def for_product(self, product: Product) -> Self:
        """What a buyer of `product` accepts: the platform's agreements in force and the seller's own."""
        return self.in_force_for(product.pk)

    def in_force_for(self, product: int | OuterRef | Param) -> Self:
        """`for_product` by its id, also inside a query for products."""
        return self.filter(Q(product=None) | Q(product=product), superseded_at=None).order_by("position", "id")


class Agreement(models.Model):
    """A text that a buyer accepts. A new version is a new row; a row that was accepted never changes."""

    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.CASCADE, related_name="agreements")
    code = models.SlugField(max_length=64)
    title = models.CharField(max_length=160)
    version = models.CharField(max_length=20, default="V1.0")
    text = models.TextField(max_length=100_000)
    position = models.PositiveSmallIntegerField(default=0)
    in_force_since = models.DateTimeField(default=clock.now)
    superseded_at = models.DateTimeField(null=True, blank=True)

    objects = AgreementQuerySet.as_manager()

    class Meta(TypedModelMeta):
        constraints = [
            models.UniqueConstraint(
                fields=["product", "code", "version"], nulls_distinct=False, name="one_agreement_per_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.version}"
