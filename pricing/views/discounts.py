"""My KooGallery > Discounts: the account's coupons and the discounts that it was granted."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError, Throttled
from koogallery.kernel.web.parts import Link
from pricing.coupons import redeem_code
from pricing.errors import CouponInvalid
from pricing.models import Coupon, Discount

PAGE_SIZE = 20


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required()
def discounts(request: BuyerRequest) -> HttpResponse:
    """`/my/discounts/`: coupons with what is left of them; a code is redeemed here."""
    error: DomainError | None = None
    if request.method == "POST":
        try:
            coupon = redeem_code(request.POST.get("code", "")[:40], account=request.account, by=request.actor)
            messages.success(request, _("The coupon %(coupon)s is on the account.") % {"coupon": coupon.name})
            return redirect("pricing:discounts")
        except (CouponInvalid, Throttled) as refused:
            error = refused
    at = clock.now()
    shown = request.GET.get("show", "")
    rows = Coupon.objects.for_account(request.account).select_related("product", "seller")
    # One that is not valid yet is neither used up nor expired.
    usable = Q(valid_until__gt=at, remaining__gt=0)
    rows = rows.exclude(usable) if shown == "past" else rows.filter(usable)
    context = {
        "page": Paginator(rows.order_by("valid_until", "id"), PAGE_SIZE).get_page(request.GET.get("page")),
        "tabs": [
            Link(_("Usable"), "?", current=shown != "past"),
            Link(_("Used up or expired"), "?show=past", current=shown == "past"),
        ],
        "past": shown == "past",
        "now": at,
        "granted": list(
            Discount.objects.in_force(at)
            .for_buyer(request.account.pk, request.account.reseller_id)
            .select_related("product", "seller")
            .order_by("kind", "id")
        ),
        "may_redeem": may(request.membership.role, Permission.BUY),
        "code": request.POST.get("code", "")[:40],
        "error": error,
    }
    return render(request, "pricing/discounts.html", context, status=422 if error else 200)
