"""Operations staff make and edit products here until sellers have their own editor."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import BaseModelForm
from django.http import HttpRequest

from accounts.web import operator_actor
from catalog.forms import CriteriaForm, PictureForm, SynonymForm
from catalog.models import (
    AcceptanceCriteria,
    Agreement,
    Attribute,
    Category,
    Collection,
    CollectionItem,
    CustomerCase,
    Price,
    Product,
    ProductDocument,
    ProductPicture,
    ReleaseNote,
    Specification,
    Synonym,
    UpgradeRule,
)
from catalog.services import publish_product, refresh_listing, set_criteria, take_down_product
from koogallery.kernel.errors import DomainError

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    """The category tree."""

    list_display = ["name", "slug", "parent", "position"]
    list_select_related = ["parent"]
    search_fields = ["name", "slug"]


class CollectionItemInline(TabularInline):
    model = CollectionItem
    extra = 1
    autocomplete_fields = ["product"]


@admin.register(Collection)
class CollectionAdmin(ModelAdmin):
    """Products put together for the home page or a category's page."""

    list_display = ["title", "slug", "category", "position", "published"]
    list_select_related = ["category"]
    search_fields = ["title", "slug"]
    prepopulated_fields = {"slug": ["title"]}
    inlines = [CollectionItemInline]


@admin.register(Synonym)
class SynonymAdmin(ModelAdmin):
    """Words that mean the same to search; found within seconds of saving."""

    form = SynonymForm
    list_display = ["words"]
    search_fields = ["words"]


class PictureInline(TabularInline):
    model = ProductPicture
    form = PictureForm
    extra = 0


class DocumentInline(TabularInline):
    model = ProductDocument
    extra = 0


class SpecificationInline(TabularInline):
    model = Specification
    extra = 0
    show_change_link = True
    fields = ["position", "code", "name", "max_quantity", "longest_years", "removed_at"]
    can_delete = False


class CustomerCaseInline(TabularInline):
    model = CustomerCase
    extra = 0


class ReleaseNoteInline(TabularInline):
    model = ReleaseNote
    extra = 0


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    """Products. The status moves by the actions below, which call the same services as everything else."""

    list_display = [
        "name",
        "seller",
        "category",
        "delivery_method",
        "supervised",
        "flow_type",
        "status",
        "published_at",
    ]
    list_filter = ["status", "delivery_method", "supervised", "flow_type", "category"]
    list_select_related = ["seller", "category"]
    search_fields = ["name", "slug", "seller__name"]
    autocomplete_fields = ["seller", "category"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["status", "published_at", "created_at", "updated_at", "lowest_price", "billing_modes"]
    exclude = ["lowest_price_mode", "lowest_price_unit", "has_several_prices", "search_vector", "currency"]
    inlines = [SpecificationInline, CustomerCaseInline, ReleaseNoteInline, PictureInline, DocumentInline]
    actions = ["publish", "take_down"]

    def get_readonly_fields(self, request: HttpRequest, obj: Product | None = None) -> list[str]:
        """What a released product promises cannot change under those who bought it (RULES 1.1)."""
        fixed = ["supervised", "flow_type", "delivery_method", "slug"] if obj and obj.published_at else []
        return [*self.readonly_fields, *fixed]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Product | None = None) -> dict[str, Any]:
        return {} if obj and obj.published_at else {"slug": ["name"]}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A product that was ever published is taken down, never deleted."""
        return obj is not None and obj.published_at is None and super().has_delete_permission(request, obj)

    def save_related(self, request: HttpRequest, form: BaseModelForm, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        refresh_listing(form.instance)

    def _each(self, request: HttpRequest, rows: QuerySet[Product], verb: Any, done: str) -> None:
        assert request.user.is_authenticated
        by = operator_actor(request.user)
        for product in rows:
            try:
                verb(product, by=by)
            except DomainError as refused:
                self.message_user(request, f"{product}: {refused.message}", messages.ERROR)
            else:
                self.message_user(request, f"{product} {done}.", messages.SUCCESS)

    @admin.action(description="Publish the selected products")
    def publish(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        self._each(request, queryset, publish_product, "is on sale")

    @admin.action(description="Take the selected products down (cannot be undone)")
    def take_down(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        self._each(request, queryset, take_down_product, "was taken down")


class AttributeInline(TabularInline):
    model = Attribute
    extra = 0


class PriceInline(TabularInline):
    model = Price
    extra = 0


class UpgradeRuleInline(TabularInline):
    model = UpgradeRule
    extra = 0


@admin.register(Specification)
class SpecificationAdmin(ModelAdmin):
    """A specification with its attributes and list prices."""

    list_display = ["name", "product", "position", "max_quantity", "removed_at"]
    list_select_related = ["product"]
    search_fields = ["name", "product__name"]
    autocomplete_fields = ["product"]
    inlines = [AttributeInline, PriceInline, UpgradeRuleInline]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A released specification is removed by its date, never deleted (RULES 9)."""
        return obj is not None and obj.product.published_at is None and super().has_delete_permission(request, obj)

    def save_related(self, request: HttpRequest, form: BaseModelForm, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        refresh_listing(form.instance.product)


@admin.register(Agreement)
class AgreementAdmin(ModelAdmin):
    """Texts that buyers accept. A new version is a new row; the old one is superseded, not edited."""

    list_display = ["title", "version", "product", "in_force_since", "superseded_at"]
    list_select_related = ["product"]
    search_fields = ["title", "code"]
    autocomplete_fields = ["product"]

    def get_readonly_fields(self, request: HttpRequest, obj: Agreement | None = None) -> list[str]:
        return ["product", "code", "title", "version", "text", "in_force_since"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AcceptanceCriteria)
class AcceptanceCriteriaAdmin(ModelAdmin):
    """What a delivery must show. A row never changes: a new one is the next version, for requests from then on."""

    form = CriteriaForm
    list_display = ["product", "version", "lines", "created_at"]
    list_select_related = ["product"]
    search_fields = ["product__name", "product__slug"]
    autocomplete_fields = ["product"]
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: AcceptanceCriteria, form: Any, change: bool) -> None:
        assert request.user.is_authenticated
        set_criteria(obj.product, obj.lines, by=operator_actor(request.user))
        # What the admin links to is the version that stands now.
        newest = AcceptanceCriteria.objects.filter(product=obj.product).first()
        if newest is None:
            self.message_user(request, "The product had no criteria, and has none.", messages.WARNING)
            return
        obj.pk, obj.version = newest.pk, newest.version

    def log_addition(self, request: HttpRequest, obj: AcceptanceCriteria, message: Any) -> Any:
        return super().log_addition(request, obj, message) if obj.pk else None

    def response_add(self, request: HttpRequest, obj: AcceptanceCriteria, post_url_continue: str | None = None) -> Any:
        return self.response_post_save_add(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


from catalog import admin_cloud  # noqa: E402, F401
