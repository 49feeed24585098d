"""My Saved List (guide 2.1 NOTE)."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Permission
from accounts.web import BuyerRequest, buyer_required
from catalog.models import Product, SavedProduct
from catalog.services import remove_saved, save_product


@require_safe
@buyer_required()
def saved_list(request: BuyerRequest) -> HttpResponse:
    """`/my/saved/`: what the account saved, with the price then and now."""
    rows = SavedProduct.objects.for_account(request.account).select_related("product", "product__seller")
    return render(request, "catalog/saved.html", {"saved": rows})


@require_safe
@buyer_required(Permission.BUY)
def save_page(request: BuyerRequest, slug: str) -> HttpResponse:
    """`/my/saved/add/<slug>/`: where a visitor's "Save to List" leads after he has logged in: one button."""
    product = get_object_or_404(Product.objects.published().select_related("seller"), slug=slug)
    return render(request, "catalog/save.html", {"product": product})


@require_POST
@buyer_required(Permission.BUY)
def save(request: BuyerRequest, slug: str) -> HttpResponse:
    """Save to List, or take it off again when it is on the list."""
    product = get_object_or_404(Product.objects.reachable(), slug=slug)
    if request.POST.get("keep") != "1" and remove_saved(product, account=request.account, by=request.actor):
        return _removed(request, product)
    save_product(product, account=request.account, by=request.actor)
    messages.success(request, _("%(name)s was added to My Saved List.") % {"name": product.name})
    return _back(request)


@require_POST
@buyer_required(Permission.BUY)
def remove(request: BuyerRequest, slug: str) -> HttpResponse:
    """Remove, with Undo in the flash."""
    product = get_object_or_404(Product.objects.reachable(), slug=slug)
    remove_saved(product, account=request.account, by=request.actor)
    return _removed(request, product)


def _removed(request: BuyerRequest, product: Product) -> HttpResponse:
    undo = format_html('<a href="{}">{}</a>', reverse("catalog:save_page", args=[product.slug]), _("Undo"))
    text = _("%(name)s was removed from My Saved List.") % {"name": product.name}
    messages.success(request, format_html("{} {}", text, undo))
    return _back(request)


def _back(request: BuyerRequest) -> HttpResponse:
    wanted = request.POST.get("next", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return redirect(wanted)
    return redirect("catalog:saved")
