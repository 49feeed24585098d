"""The seller portal's pages about SaaS: keys, addresses, the debugger, Service Interface Messages."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.recent import confirm_access_url, recently_logged_in
from accounts.web import SellerRequest, seller_required
from catalog.choices import DeliveryMethod
from catalog.models import Product
from koogallery.kernel.errors import DomainError, InvalidInput
from koogallery.kernel.web.parts import Link
from provisioning.saas import debugger
from provisioning.saas.calls import replay, replay_refusal
from provisioning.saas.forms import InterfaceForm
from provisioning.saas.interfaces import interface_of, set_interface
from provisioning.saas.keys import create_access_key
from provisioning.saas.models import AccessKey, Call, CallStatus, Exchange

PAGE_SIZE = 20
MOST_TRIES = 50


@never_cache
@sensitive_variables("secret")
@require_http_methods(["GET", "HEAD", "POST"])
@seller_required
def access_keys(request: SellerRequest) -> HttpResponse:
    """`/seller/access-keys/`: the keys that are valid; a new one is shown this once."""
    secret = ""
    if request.method == "POST":
        if not recently_logged_in(request):
            return redirect(confirm_access_url(request.path))
        _key, secret = create_access_key(request.seller, by=request.actor)
    context = {"keys": AccessKey.objects.for_seller(request.seller).valid(), "secret": secret}
    response = render(request, "provisioning/access_keys.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
@seller_required
def interfaces(request: SellerRequest) -> HttpResponse:
    """`/seller/interfaces/`: SaaS products and where their orders are sent."""
    rows = _products(request).select_related("production_interface").order_by("name")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    has_key = AccessKey.objects.for_seller(request.seller).valid().exists()
    return render(request, "provisioning/interfaces.html", {"page": page, "has_key": has_key})


@require_http_methods(["GET", "HEAD", "POST"])
@seller_required
def interface(request: SellerRequest, slug: str) -> HttpResponse:
    """`/seller/interfaces/<product>/`: its address and generation, and the debugger."""
    product = get_object_or_404(_products(request), slug=slug)
    kept = interface_of(product)
    form = InterfaceForm(request.POST or None, kept=kept)
    if request.method == "POST" and form.is_valid():
        try:
            given = form.cleaned_data
            set_interface(product, version=given["version"], url=given["url"], urls=form.urls, by=request.actor)
        except InvalidInput as refused:
            for name, texts in (refused.errors or {"": [refused.message]}).items():
                form.add_error(name if name in form.fields else None, texts)
        else:
            messages.success(request, _("Saved. Orders are sent there from now on."))
            return redirect("provisioning:interface", slug)
    results = debugger.results(kept, debugger.cases_for(product, kept.version)) if kept else []
    context = {
        "product": product,
        "kept": kept,
        "form": form,
        "results": results,
        "passed": sum(one.passed for one in results),
        "has_key": AccessKey.objects.for_seller(request.seller).valid().exists(),
    }
    return render(request, "provisioning/interface.html", context, status=422 if form.errors else 200)


@require_POST
@seller_required
def debug(request: SellerRequest, slug: str) -> HttpResponse:
    """`/seller/interfaces/<product>/debug/`: run one case, or all of them ("Debug and Save Case")."""
    product = get_object_or_404(_products(request), slug=slug)
    chosen = [one for one in [request.POST.get("case", "")[:40]] if one]
    try:
        runs = debugger.debug(product, chosen, by=request.actor)
    except DomainError as refused:
        messages.error(request, refused.message)
    else:
        failed = sum(not one.passed for one in runs)
        if failed or not runs:
            messages.error(request, _("A case does not pass. What is wrong stands beside it."))
        else:
            messages.success(request, _("Passed and saved."))
    return redirect("provisioning:interface", slug)


def _products(request: SellerRequest) -> QuerySet[Product]:
    return Product.objects.for_seller(request.seller).filter(delivery_method=DeliveryMethod.SAAS)


@require_safe
@seller_required
def message_list(request: SellerRequest) -> HttpResponse:
    """`/seller/interface-messages/`: Service Interface Messages, every call made to the seller, newest first."""
    status, number = request.GET.get("status", ""), request.GET.get("order", "").strip()[:20]
    rows = Call.objects.for_seller(request.seller).with_table_columns().order_by("-created_at", "-id")
    rows = rows.filter(status=status) if status in CallStatus.values else rows
    rows = rows.filter(order__number=number) if number else rows
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    tabs = [Link(_("All"), "?", current=status not in CallStatus.values)]
    tabs += [Link(one.label, f"?status={one.value}", current=status == one.value) for one in CallStatus]
    context = {"page": page, "tabs": tabs, "number": number, "filtered": bool(number) or status in CallStatus.values}
    return render(request, "provisioning/messages.html", context)


@require_safe
@seller_required
def message(request: SellerRequest, public_id: str) -> HttpResponse:
    """`/seller/interface-messages/<call>/`: a call with its tries, the newest first."""
    call = get_object_or_404(Call.objects.for_seller(request.seller).with_table_columns(), public_id=public_id)
    tries = Exchange.objects.filter(call=call).order_by("-id")[:MOST_TRIES]
    context = {"call": call, "tries": tries, "refusal": replay_refusal(call)}
    return render(request, "provisioning/message.html", context)


@require_POST
@seller_required
def message_replay(request: SellerRequest, public_id: str) -> HttpResponse:
    """`/seller/interface-messages/<call>/replay/`: Restart Debugging."""
    call = get_object_or_404(Call.objects.for_seller(request.seller), public_id=public_id)
    replay(call, by=request.actor)
    messages.success(request, _("The call is made again within seconds."))
    return redirect("provisioning:message", public_id)
