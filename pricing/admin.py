"""Operations' screens of discounts, coupons, taxes and resellers."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.models import Account, Reseller, User
from accounts.web import operator_actor
from koogallery.kernel.admin import ReadOnlyAdmin
from koogallery.kernel.errors import DomainError
from pricing.choices import CouponKind, DiscountKind
from pricing.coupons import CouponTerms, check_terms, grant_coupon
from pricing.models import Coupon, CouponUse, Discount, ResellerPrice, TaxRate

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline


@admin.register(Discount)
class DiscountAdmin(ModelAdmin):
    """Commercial, partner and promotional discounts. An order has the narrowest that fits."""

    list_display = ["name", "kind", "percent", "account", "reseller", "product", "seller", "valid_from", "valid_until"]
    list_filter = ["kind"]
    list_select_related = ["account", "reseller", "product", "seller"]
    search_fields = ["name", "account__name", "reseller__name", "product__name"]
    autocomplete_fields = ["account", "reseller", "product", "seller"]


@admin.register(TaxRate)
class TaxRateAdmin(ModelAdmin):
    """The tax table. A new rate is a new row; end the old one at the same time."""

    list_display = ["country", "name", "percent", "valid_from", "valid_until"]
    list_filter = ["country"]


class CouponForm(forms.ModelForm):
    """What is granted; whether it makes sense is the service's rule."""

    class Meta:
        model = Coupon
        fields = [
            "kind", "name", "account", "currency", "amount", "percent", "minimum_spend", "product", "seller",
            "with_commercial", "with_partner", "with_promotional", "valid_from", "valid_until",
        ]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors:
            try:
                check_terms(self.terms(), at=data["valid_from"])
            except DomainError as refused:
                raise ValidationError(refused.errors or refused.message) from refused
        return data

    def terms(self) -> CouponTerms:
        data = self.cleaned_data
        return CouponTerms(
            kind=data["kind"],
            name=data["name"],
            value=data["amount"] if data["kind"] == CouponKind.CASH else data["percent"],
            valid_until=data["valid_until"],
            valid_from=data["valid_from"],
            currency=data["currency"],
            minimum_spend=data["minimum_spend"] or Decimal(0),
            product=data["product"],
            seller=data["seller"],
            combinable={kind.value: data[f"with_{kind.value}"] for kind in DiscountKind},
        )


@admin.register(Coupon)
class CouponAdmin(ReadOnlyAdmin):
    """Coupons are granted here and never changed afterwards."""

    form = CouponForm
    list_display = ["code", "name", "kind", "account", "amount", "percent", "remaining", "currency", "valid_until"]
    list_filter = ["kind"]
    list_select_related = ["account"]
    search_fields = ["code", "name", "account__name"]
    autocomplete_fields = ["account", "product", "seller"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("pricing.add_coupon"))

    def save_model(self, request: HttpRequest, obj: Coupon, form: Any, change: bool) -> None:
        granted = grant_coupon(form.terms(), account=obj.account, by=operator_actor(cast(User, request.user)))
        obj.pk, obj.code = granted.pk, granted.code


@admin.register(CouponUse)
class CouponUseAdmin(ReadOnlyAdmin):
    """Which orders took what of which coupon."""

    list_display = ["order_number", "coupon", "amount", "currency", "status", "reserved_at", "ended_at"]
    list_filter = ["status"]
    list_select_related = ["coupon"]
    search_fields = ["order_number", "coupon__code"]


class ResellerPriceInline(TabularInline):
    model = ResellerPrice
    extra = 0
    autocomplete_fields = ["specification"]


class PartnerDiscountInline(TabularInline):
    model = Discount
    extra = 0
    fields = ["kind", "name", "percent", "account", "product", "valid_from", "valid_until"]
    autocomplete_fields = ["account", "product"]

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.base_fields["kind"].initial = DiscountKind.PARTNER
        return formset


class CustomerInline(TabularInline):
    model = Account
    extra = 0
    fields = ["name", "country", "currency", "frozen_at"]
    readonly_fields = ["name", "country", "currency"]
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Accounts are attached on their own screen."""
        return False


@admin.register(Reseller)
class ResellerAdmin(ModelAdmin):
    """Partners with their price list and discounts; a date of freezing stops all their customers' orders."""

    list_display = ["name", "frozen_at"]
    search_fields = ["name"]
    inlines = [PartnerDiscountInline, ResellerPriceInline, CustomerInline]
