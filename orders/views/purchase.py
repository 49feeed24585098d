"""Steps 1 to 2 of a purchase: Continue to Submit, and Confirm (guide 2.1, steps 4 and 5)."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission
from accounts.web import BuyerRequest, buyer_required
from catalog.choices import BillingMode, DeliveryMethod
from catalog.models import Agreement, Product, Specification
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.errors import DomainError, Throttled
from koogallery.kernel.money import Money
from koogallery.kernel.web.files import pdf_response
from orders.documents import agreement_pdf
from orders.errors import AgreementsNotAccepted, AutoRenewalNotSupported
from orders.models import AcceptedAgreement, PurchaseDraft
from orders.services import open_draft, place_draft, preview_draft, use_coupon
from orders.views.image import image_offer, with_image_versions, with_server
from orders.views.product import cost_lines
from pricing import services as pricing
from pricing.configuration import Configuration, read_configuration
from pricing.coupons import offered_coupons
from pricing.errors import CouponInvalid, NotConfigurable, PriceChanged, QuoteExpired
from pricing.on_sale import agreements_of, specifications_on_sale
from pricing.rules import QuoteRequest

PAGE_SIZE = 20
LONGEST_LIST = 1000
_DRAFT = Compiled(
    lambda: (
        PurchaseDraft.objects.select_related("product")
        .defer(*(f"product__{column}" for column in Product.LONG_COLUMNS))
        .filter(public_id=Param("public_id"), account=Param("account"))
    )
)
NEVER_UNSUBSCRIBED = (DeliveryMethod.SAAS, DeliveryMethod.LICENSE, DeliveryMethod.PROFESSIONAL_SERVICE)


@require_safe
@buyer_required(Permission.BUY)
def new_draft(request: BuyerRequest, slug: str) -> HttpResponse:
    """`/purchase/new/<slug>/?...`: keep the configuration and go to Confirm. It charges nothing and orders nothing,
    so a visitor who has to log in first comes back to it by address."""
    on_sale = {one.pk: one for one in specifications_on_sale(slug)}
    try:
        facts = {pk: pricing.facts_for(one, request.account) for pk, one in on_sale.items()}
        configuration = read_configuration(request.GET, facts)
        if on_sale[configuration.request.specification].product.delivery_method == DeliveryMethod.IMAGE:
            configuration = _with_server(request, slug, configuration)
        draft = open_draft(
            configuration.request,
            account=request.account,
            user=request.user,
            by=request.actor,
            auto_renew=configuration.auto_renew,
            specification=on_sale[configuration.request.specification],
        )
    except NotConfigurable:
        # The product page reads the same address and says beside each field what is wrong.
        return _configure_again(slug, request.GET)
    except AutoRenewalNotSupported:
        query = request.GET.copy()
        query.pop("auto_renew", None)
        return _configure_again(slug, query)
    return redirect(_next_page(draft), draft.public_id)


def _with_server(request: BuyerRequest, slug: str, configuration: Configuration) -> Configuration:
    """An image is configured with the server that the address names, or the recommended one."""
    product = with_image_versions(Product.objects.filter(slug=slug)).get()
    return with_server(configuration, image_offer(product, configuration, request.GET))


def _next_page(draft: PurchaseDraft) -> str:
    """An image's servers are configured before it is confirmed (guide 3.4)."""
    return "compute:provision" if draft.product.delivery_method == DeliveryMethod.IMAGE else "orders:confirm"


def _configure_again(slug: str, query: QueryDict) -> HttpResponse:
    product = get_object_or_404(Product.objects.reachable(), slug=slug)
    return HttpResponseRedirect(f"{product.get_absolute_url()}?{query.urlencode()}#pricing")


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.BUY)
def confirm(request: BuyerRequest, draft_id: str) -> HttpResponse:
    """`/purchase/<draft>/confirm/`: Order Details, Terms and Conditions, Pay Now."""
    draft = _draft(request, draft_id)
    if draft.order is not None:
        return redirect("billing:pay", draft.order.number)
    if draft.product.delivery_method == DeliveryMethod.IMAGE:
        return redirect("compute:provision", draft.public_id)
    if draft.expires_at < clock.now():
        messages.info(request, _("This configuration has expired. Configure the product again."))
        return HttpResponseRedirect(_configure_address(draft))
    error: DomainError | None = None
    if request.method == "POST":
        try:
            order = place_draft(
                draft,
                agreements_accepted=request.POST.get("agreements") == "on",
                agreements=_ids(request.POST.get("agreements_shown", "")),
                quote=request.POST.get("quote", ""),
                by=request.actor,
            )
            return redirect("billing:pay", order.number)
        except (AgreementsNotAccepted, PriceChanged, QuoteExpired, CouponInvalid) as refused:
            error = refused
    return _confirm_page(request, draft, error)


@require_POST
@buyer_required(Permission.BUY)
def draft_coupon(request: BuyerRequest, draft_id: str) -> HttpResponse:
    """`/purchase/<draft>/coupon/`: use a coupon for the order, or none; back to Confirm with the new price."""
    draft = _draft(request, draft_id)
    code = request.POST.get("coupon", "")[:40]
    try:
        use_coupon(draft, code, by=request.actor)
    except (CouponInvalid, Throttled) as refused:
        return _confirm_page(request, draft, refused, coupon_code=code)
    except NotConfigurable as refused:
        raise Http404(refused.message) from refused
    return redirect("orders:confirm", draft.public_id)


def _ids(given: str) -> frozenset[int]:
    """The agreements that the page listed, "3,7"; what is no id is none of them."""
    parts = given[:LONGEST_LIST].split(",")
    return frozenset(int(one) for one in parts if one.isascii() and one.isdigit())


def _draft(request: BuyerRequest, draft_id: str) -> PurchaseDraft:
    draft = _DRAFT.first(public_id=draft_id, account=request.account.pk)
    if draft is None:
        raise Http404
    # Read with the request already, with its reseller.
    draft.account = request.account
    return draft


def _confirm_page(
    request: BuyerRequest, draft: PurchaseDraft, error: DomainError | None, coupon_code: str | None = None
) -> HttpResponse:
    try:
        preview = preview_draft(draft)
    except NotConfigurable as refused:
        raise Http404(refused.message) from refused
    wanted = QuoteRequest.from_json(draft.request)
    specification, product = preview.specification, preview.specification.product
    in_force = agreements_of(specification)
    was = preview.was or (error.extra.get("old") if isinstance(error, PriceChanged) else None)
    context = {
        "draft": draft,
        "product": product,
        "specification": specification,
        "quote": preview.quote,
        "coupon_refusal": preview.coupon_refusal,
        "old_price": Money.from_json(was) if isinstance(was, dict) else None,
        "cost_lines": cost_lines(f"{product.name}, {specification.name}", preview.quote),
        "chosen": _chosen(specification, preview.quote.attributes),
        "mode_label": BillingMode(wanted.billing_mode).guide_label,
        "agreements": in_force,
        "agreements_shown": ",".join(str(one["id"]) for one in in_force),
        "never_unsubscribed": product.delivery_method in NEVER_UNSUBSCRIBED,
        "error": error,
        "through_reseller": draft.account.reseller_id is not None,
        "coupons": offered_coupons(draft.account, at=clock.now()),
        "coupon_code": draft.coupon if coupon_code is None else coupon_code,
        "coupon_error": error.message if isinstance(error, CouponInvalid | Throttled) else "",
        "agreements_error": error.message if isinstance(error, AgreementsNotAccepted) else "",
        "configure_url": _configure_address(draft),
        "current_step": 2,
    }
    return render(request, "orders/confirm.html", context, status=422 if error else 200)


def _configure_address(draft: PurchaseDraft) -> str:
    """The product page as the draft configured it."""
    query = _query(QuoteRequest.from_json(draft.request), draft.auto_renew)
    return f"{draft.product.get_absolute_url()}?{urlencode(query)}#pricing"


def _query(wanted: QuoteRequest, auto_renew: bool) -> dict[str, str]:
    query = {
        "specification": str(wanted.specification),
        "billing_mode": wanted.billing_mode,
        "quantity": str(wanted.quantity),
        **{f"attribute.{code}": str(value) for code, value in wanted.attributes.items()},
    }
    if wanted.duration:
        query |= {"duration": str(wanted.duration.value), "duration_unit": wanted.duration.unit}
    return query | ({"auto_renew": "on"} if auto_renew else {})


def _chosen(specification: Specification, attributes: Mapping[str, str | int]) -> list[tuple[str, str | int]]:
    """The chosen attributes as (name, value in words)."""
    words = []
    for attribute in specification.attributes.all():
        value = attributes[attribute.code]
        names = {choice["code"]: choice["name"] for choice in attribute.choices}
        words.append((attribute.name, names.get(value, value)))
    return words


@require_safe
@buyer_required()
def agreements(request: BuyerRequest) -> HttpResponse:
    """`/my/agreements/`: what the account accepted, in the words of that day."""
    accepted = (
        AcceptedAgreement.objects.for_account(request.account)
        .select_related("order", "order__product")
        .defer("text")
        .order_by("-accepted_at", "-id")
    )
    page = Paginator(accepted, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "orders/agreements.html", {"page": page})


@require_safe
@buyer_required()
def agreement(request: BuyerRequest, pk: int) -> HttpResponse:
    """`/my/agreements/<id>/`: one accepted text."""
    accepted = get_object_or_404(AcceptedAgreement.objects.for_account(request.account).select_related("order"), pk=pk)
    return render(request, "orders/agreement.html", {"accepted": accepted})


@require_safe
@buyer_required()
def agreement_file(request: BuyerRequest, pk: int) -> HttpResponse:
    """`/my/agreements/<id>/agreement.pdf`: the accepted text to keep."""
    accepted = get_object_or_404(AcceptedAgreement.objects.for_account(request.account).select_related("order"), pk=pk)
    return pdf_response(agreement_pdf(accepted), f"agreement-{accepted.order.number}-{accepted.pk}")


@require_safe
def agreement_in_force(request: HttpRequest, pk: int) -> HttpResponse:
    """`/agreements/<id>/`: a text to read before accepting it; public, as it stands in the storefront."""
    found = get_object_or_404(Agreement.objects.filter(superseded_at=None), pk=pk)
    return render(request, "orders/agreement_in_force.html", {"agreement": found})
