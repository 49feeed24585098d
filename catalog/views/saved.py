"""My Saved List (guide 2.1 NOTE)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Account
from accounts.permissions import Permission
from accounts.web import BuyerRequest, buyer_required
from catalog.models import Product, SavedProduct
from catalog.services import remove_saved, restore_saved, save_product

# The list holds up to 500 entries (catalog.services.MOST_SAVED).
SHOWN = 50
# A place in the list: microseconds since 1970 of `saved_at`, and the entry's number.
PLACE = re.compile(r"(\d{1,17})-(\d{1,18})", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entries:
    """A page of the list, newest first, and the addresses of its neighbours; empty where there is none."""

    rows: list[SavedProduct]
    total: int
    newer: str = ""
    older: str = ""


@require_safe
@buyer_required()
def saved_list(request: BuyerRequest) -> HttpResponse:
    """`/my/saved/`: what the account saved, with the price then and now."""
    entries = _entries(request.account, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    return render(request, "catalog/saved.html", {"saved": entries})


def _entries(account: Account, *, after: str, before: str) -> Entries:
    """The entries saved before a place (older), or after it (newer); from the newest on without one.

    A place is a time and not an entry, so that it still exists when the entry there is removed.
    """
    every = SavedProduct.objects.for_account(account)
    older = _place(before)
    newer = None if older else _place(after)
    rows = every.select_related("product__seller")
    if newer:
        at, pk = newer
        rows = rows.filter(Q(saved_at__gt=at) | Q(saved_at=at, pk__gt=pk)).order_by("saved_at", "pk")
    else:
        if older:
            at, pk = older
            rows = rows.filter(Q(saved_at__lt=at) | Q(saved_at=at, pk__lt=pk))
        rows = rows.order_by("-saved_at", "-pk")
    found = list(rows[: SHOWN + 1])
    more = len(found) > SHOWN
    found = found[:SHOWN]
    total = every.count()
    if (newer and not more) or (older and not found):
        # The newest page is always a full one, and a page that was emptied leads back to it.
        return _entries(account, after="", before="")
    if newer:
        found.reverse()
    return Entries(
        found,
        total,
        newer=f"?after={_named(found[0])}" if found and (older or newer) else "",
        older=f"?before={_named(found[-1])}" if found and (more or newer) else "",
    )


def _place(given: str) -> tuple[datetime, int] | None:
    """The place that an address names; None for what is no place."""
    match = PLACE.fullmatch(given)
    return None if match is None else (EPOCH + timedelta(microseconds=int(match[1])), int(match[2]))


def _named(entry: SavedProduct) -> str:
    return f"{(entry.saved_at - EPOCH) // timedelta(microseconds=1)}-{entry.pk}"


@require_safe
@buyer_required(Permission.BUY)
def save_page(request: BuyerRequest, slug: str) -> HttpResponse:
    """`/my/saved/add/<slug>/`: where a visitor's "Save to List" leads after he has logged in: one button."""
    product = get_object_or_404(Product.objects.reachable().select_related("seller"), slug=slug)
    if not product.is_on_sale:
        raise Http404
    return render(request, "catalog/save.html", {"product": product})


@require_POST
@buyer_required(Permission.BUY)
def save(request: BuyerRequest, slug: str) -> HttpResponse:
    """Save to List (`keep` 1), or take off it (`keep` 0); without `keep` whichever changes something."""
    product = get_object_or_404(Product.objects.reachable().select_related("seller"), slug=slug)
    keep = request.POST.get("keep", "")
    if keep != "1":
        removed = remove_saved(product, account=request.account, by=request.actor)
        if removed or keep == "0":
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
    return _back(request)


def _removed(request: BuyerRequest, product: Product, removed: str) -> HttpResponse:
    text = _("%(name)s was removed from My Saved List.") % {"name": product.name}
    if removed:
        undo = format_html(
            '<form class="d-inline" method="post" action="{}"><input type="hidden" name="csrfmiddlewaretoken" value="{}">'
            '<input type="hidden" name="removed" value="{}"><input type="hidden" name="next" value="{}">'
            '<button class="btn btn-soft btn-sm" type="submit">{}<span class="visually-hidden"> {}</span></button></form>',
            reverse("catalog:undo_remove"),
            get_token(request),
            removed,
            _next(request),
            _("Undo"),
            product.name,
        )
        text = format_html("{} {}", text, undo)
    messages.success(request, text)
    return _back(request)


def _next(request: BuyerRequest) -> str:
    """The page of this site that the form names to return to; the list without one."""
    wanted = request.POST.get("next", "")[:500]
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return reverse("catalog:saved")


def _back(request: BuyerRequest) -> HttpResponse:
    return redirect(_next(request))
