"""Operations staff's screens of people and organisations."""

from typing import TYPE_CHECKING, Any

from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa.admin import AuthenticatorAdmin as AllauthAuthenticatorAdmin
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, AccountChange, ApiKey, Membership, Reveal, Seller, SellerMember, User
from koogallery.kernel.admin import ReadOnlyAdmin

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    EmailAddressFormBase = forms.ModelForm[EmailAddress]
else:
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline
    EmailAddressFormBase = forms.ModelForm

# Loaded above, so that what stands here is not registered over again.
admin.site.unregister([EmailAddress, Authenticator])


@admin.register(User)
class UserAdmin(ModelAdmin):
    """People; passwords are set by their owners, through the reset that they ask for."""

    list_display = ["email", "full_name", "is_staff", "is_active", "date_joined"]
    list_filter = ["is_staff", "is_active"]
    search_fields = ["email", "full_name"]
    fields = ["email", "full_name", "is_active", "is_staff", "is_superuser", "groups", "date_joined", "last_login"]
    readonly_fields = ["date_joined", "last_login"]


class EmailAddressForm(EmailAddressFormBase):
    """A person's address, with what the table refuses said beside its field."""

    class Meta:
        model = EmailAddress
        fields = ["user", "email", "verified", "primary"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        others = EmailAddress.objects.exclude(pk=self.instance.pk)
        if data.get("primary") and others.filter(user=data.get("user"), primary=True).exists():
            self.add_error("primary", _("The person has a primary address already."))
        if data.get("verified") and others.filter(email=data.get("email", "").lower(), verified=True).exists():
            self.add_error("email", _("Somebody has verified this address already."))
        return data


@admin.register(EmailAddress)
class EmailAddressAdmin(AllauthEmailAddressAdmin):
    """Addresses and who has verified them."""

    form = EmailAddressForm


@admin.register(Authenticator)
class AuthenticatorAdmin(AllauthAuthenticatorAdmin):
    """Second factors: taken away from somebody who lost his; never made or read here."""

    fields = ["user", "type", "created_at", "last_used_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Account)
class AccountAdmin(ModelAdmin):
    """Buying organisations with their members."""

    list_display = ["name", "country", "currency", "level", "frozen_at", "created_at"]
    list_filter = ["level", "country"]
    search_fields = ["name", "public_id"]
    fields = ["name", "public_id", "country", "currency", "level", "reseller", "frozen_at", "created_at"]
    autocomplete_fields = ["reseller"]
    readonly_fields = ["public_id", "created_at"]
    inlines = [MembershipInline]


class SellerMemberInline(TabularInline):
    model = SellerMember
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Seller)
class SellerAdmin(ModelAdmin):
    """Selling organisations with their members."""

    list_display = ["name", "slug", "country", "email", "frozen_at"]
    search_fields = ["name", "slug", "email"]
    inlines = [SellerMemberInline]


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    """Keys of programs: to look at; their hashes are not shown."""

    list_display = ["name", "prefix", "account", "seller", "user", "created_at", "last_used_at", "revoked_at"]
    search_fields = ["name", "prefix", "user__email"]
    fields = ["name", "prefix", "account", "seller", "user", "created_at", "last_used_at", "revoked_at"]
    list_select_related = ["account", "seller", "user"]

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False


@admin.register(AccountChange)
class AccountChangeAdmin(ReadOnlyAdmin):
    """Who changed what the platform does for an account by itself."""

    list_display = ["at", "account", "what", "by", "role", "address"]
    list_select_related = ["account"]
    search_fields = ["user__email", "account__name"]
    ordering = ["-at"]
    show_full_result_count = False


@admin.register(Reveal)
class RevealAdmin(ReadOnlyAdmin):
    """Who had which secret shown, and when; never the secret."""

    list_display = ["at", "by", "account", "what", "of", "address"]
    list_select_related = ["account"]
    search_fields = ["user__email", "account__name", "of"]
    ordering = ["-at"]
    show_full_result_count = False
