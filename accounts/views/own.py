"""A person's own pages: settings, switching between accounts and sellers, API keys."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actor import Actor
from accounts.forms import ApiKeyForm, AppealFilingForm, SettingsForm
from accounts.models import Account, AccountChange, ApiKey, Membership, Seller, User
from accounts.permissions import Permission, may
from accounts.services import APPEAL_FILING, choose_appeal_filing, create_api_key, revoke_api_key
from accounts.web import (
    ACCOUNT_KEY,
    SELLER_KEY,
    BuyerRequest,
    buyer_actor,
    buyer_required,
    login_required,
    membership_of,
    seller_actor,
)
from koogallery.kernel.web.address import client_address

YEAR_SECONDS = 31_536_000


def _person(request: HttpRequest) -> User:
    assert request.user.is_authenticated
    return request.user


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def own_settings(request: HttpRequest) -> HttpResponse:
    """`/account/settings/`: name, time zone, theme, e-mails. Look and zone are kept in cookies too, for the server."""
    user = _person(request)
    form = SettingsForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Your settings were saved."))
        response: HttpResponse = redirect("accounts:settings")
        for name, value in (("zone", user.time_zone), ("theme", "" if user.theme == "system" else user.theme)):
            if value:
                response.set_cookie(name, value, max_age=YEAR_SECONDS, samesite="Lax", secure=request.is_secure())
            else:
                response.delete_cookie(name)
        return response
    membership = membership_of(request)
    context: dict[str, Any] = {"form": form, "account": membership.account if membership else None}
    if membership:
        context["changed"] = AccountChange.objects.filter(account=membership.account, what__in=APPEAL_FILING).first()
    if membership and may(membership.role, Permission.SUPERVISE):
        chosen = "yes" if membership.account.appeals_filed_for_us else ""
        context["appeals"] = AppealFilingForm(initial={"filed_for_us": chosen})
    return render(request, "accounts/settings.html", context, status=422 if form.errors else 200)


@require_POST
@buyer_required(Permission.SUPERVISE)
def appeal_filing(request: BuyerRequest) -> HttpResponse:
    """`/account/settings/appeals/`: whether appeals are filed for the account."""
    form = AppealFilingForm(request.POST)
    if form.is_valid():
        choose_appeal_filing(request.account, filed_for_us=bool(form.cleaned_data["filed_for_us"]), by=request.actor)
        messages.success(request, _("Your settings were saved."))
    return redirect("accounts:settings")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def switch(request: HttpRequest) -> HttpResponse:
    """`/account/switch/`: choose the account and the seller to act for."""
    user = _person(request)
    memberships = Membership.objects.filter(user=user).select_related("account").order_by("id")
    sellers = Seller.objects.of_user(user).order_by("id")
    if request.method == "POST":
        account = memberships.filter(account__public_id=request.POST.get("account", "")).first()
        seller = sellers.filter(slug=request.POST.get("seller", "")).first()
        if account is not None:
            request.session[ACCOUNT_KEY] = account.account_id
            messages.success(request, _("You act for %(name)s now.") % {"name": account.account.name})
            return redirect("/")
        if seller is not None:
            request.session[SELLER_KEY] = seller.pk
            messages.success(request, _("You act for %(name)s now.") % {"name": seller.name})
            return redirect("/seller/")
    return render(request, "accounts/switch.html", {"memberships": memberships, "sellers": sellers})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def api_keys(request: HttpRequest) -> HttpResponse:
    """`/account/api-keys/`: make a key, which is shown this once, and revoke keys."""
    user = _person(request)
    accounts = {f"account:{one.public_id}": one for one in Account.objects.of_user(user)}
    sellers = {f"seller:{one.slug}": one for one in Seller.objects.of_user(user)}
    sides = [(value, str(one)) for value, one in (*accounts.items(), *sellers.items())]
    form = ApiKeyForm(request.POST or None, sides=sides)
    secret = ""
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data["acts_for"]
        _key, secret = create_api_key(
            user, name=form.cleaned_data["name"], account=accounts.get(chosen), seller=sellers.get(chosen)
        )
        form = ApiKeyForm(sides=sides)
    keys = ApiKey.objects.filter(user=user, revoked_at=None).select_related("account", "seller").order_by("-id")
    context = {"form": form, "keys": keys, "secret": secret, "sides": sides}
    return render(request, "accounts/api_keys.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a key for good: one's own, or any of an account that one owns."""
    user = _person(request)
    owned = Account.objects.filter(memberships__user=user, memberships__role="owner")
    key = get_object_or_404(ApiKey.objects.filter(Q(user=user) | Q(account__in=owned)).distinct(), pk=pk)
    revoke_api_key(key, by=_actor_for(key, user, client_address(request)))
    messages.success(request, _("The key %(name)s was revoked.") % {"name": key.name})
    return redirect("accounts:api_keys")


def _actor_for(key: ApiKey, user: User, address: str) -> Actor:
    if key.seller is not None:
        return seller_actor(user, key.seller, address=address)
    return buyer_actor(user, Membership.objects.get(user=user, account=key.account), address=address)
