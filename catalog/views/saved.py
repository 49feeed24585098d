"""My Saved List (guide 2.1 NOTE)."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Permission
from accounts.web import BuyerRequest, buyer_required
from catalog.models import Product, SavedProduct
from catalog.services import remove_saved, restore_saved, save_product

# The list holds up to 500 entries (catalog.services.MOST_SAVED).
SHOWN = 50


@require_safe
@buyer_required()
def saved_list(request: BuyerRequest) -> HttpResponse:
    """`/my/saved/`: what the account saved, with the price then and now."""
    rows = SavedProduct.objects.for_account(request.account).select_related("product", "product__seller")
    page = Paginator(rows.order_by("-saved_at", "-id"), SHOWN).get_page(request.GET.get("page"))
    return render(request, "catalog/saved.html", {"saved": page.object_list, "page": page})


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
    if request.POST.get("keep") != "1":
        removed = remove_saved(product, account=request.account, by=request.actor)
        if removed:
            return _removed(request, product, removed)
    save_product(product, account=request.account, by=request.actor)
    messages.success(request, _("%(name)s was added to My Saved List.") % {"name": product.name})
    return _back(request)


@require_POST
@buyer_required(Permission.BUY)
def remove(request: BuyerRequest, slug: str) -> HttpResponse:
    """Remove, with Undo in the flash."""
    product = get_object_or_404(Product.objects.reachable(), slug=slug)
    return _removed(request, product, remove_saved(product, account=request.account, by=request.actor))


@require_POST
@buyer_required(Permission.BUY)
def undo(request: BuyerRequest) -> HttpResponse:
    """Undo of a removal: the entry is as it was."""
    saved = restore_saved(request.POST.get("removed", "")[:1000], account=request.account, by=request.actor)
    messages.success(request, _("%(name)s is on My Saved List again.") % {"name": saved.product.name})
    return redirect("catalog:saved")


def _removed(request: BuyerRequest, product: Product, removed: str) -> HttpResponse:
    text = _("%(name)s was removed from My Saved List.") % {"name": product.name}
    if removed:
        undo = format_html(
            '<form class="d-inline" method="post" action="{}"><input type="hidden" name="csrfmiddlewaretoken" value="{}">'
            '<input type="hidden" name="removed" value="{}"><button class="btn btn-ghost btn-sm" type="submit">{}</button>'
            "</form>",
            reverse("catalog:undo_remove"),
            get_token(request),
            removed,
            _("Undo"),
        )
        text = format_html("{} {}", text, undo)
    messages.success(request, text)
    return _back(request)


def _back(request: BuyerRequest) -> HttpResponse:
    wanted = request.POST.get("next", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return redirect(wanted)
    return redirect("catalog:saved")
