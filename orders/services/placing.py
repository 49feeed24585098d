"""From a configured product to an order that waits for payment (guide 2.1, steps 4 and 5)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account, User
from accounts.permissions import Permission, require
from catalog.choices import BillingMode, DeliveryMethod
from catalog.models import Agreement, Product, Specification
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.errors import InvalidInput, NotFound
from koogallery.kernel.ids import order_number
from koogallery.kernel.stored import insert, update
from orders import ports
from orders.deployments import DeploymentWish
from orders.errors import AccountFrozen, AgreementsChanged, AgreementsNotAccepted, AutoRenewalNotSupported, NotForSale
from orders.models import AcceptedAgreement, Order, OrderLine, PurchaseDraft
from orders.services.ordering import check_coupon, ordering_account, take_up, write_order
from pricing import services as pricing
from pricing.errors import CouponInvalid, PriceChanged, QuoteExpired
from pricing.on_sale import specification_on_sale
from pricing.rules import Quote, QuoteRequest

_DRAFT_LOCKED = Compiled(lambda: PurchaseDraft.objects.select_for_update().filter(pk=Param("pk")))
_AGREEMENTS = Compiled(lambda: Agreement.objects.in_force_for(Param("product")))


@dataclass(frozen=True, slots=True)
class Placement:
    """What a buyer confirms: the configuration, the choice of auto-renewal, the price that was shown.

    Attributes:
        request: what to buy.
        auto_renew: renew by itself; refused where the product does not support it (RULES 3.2).
        agreements_accepted: the Terms and Conditions box.
        quote: the signed quote that was shown; without it today's price is taken.
        coupon: the code of a coupon to use; the quote, if any, was made with it.
        deployment: how the servers of an image are to be; `request.server` is its priced part.
        agreements: ids of the agreements that were shown; None: those that the quote names, or else those in force.
    """

    request: QuoteRequest
    auto_renew: bool = False
    agreements_accepted: bool = False
    quote: str = ""
    coupon: str = ""
    agreements: frozenset[int] | None = None
    deployment: DeploymentWish | None = None


def place_order(placement: Placement, *, account: Account, by: Actor, at: datetime | None = None) -> Order:
    """Place an order at the confirmed price; it waits for payment for 7 days (RULES 6).

    An order whose payable is 0 is `processing` at once, and so is a reseller's customer's: he pays nobody here, the
    reseller owes the amount (guide 2.1 NOTE).

    Raises:
        PermissionRefused: the actor's role may not buy.
        AccountFrozen, AgreementsNotAccepted, AutoRenewalNotSupported, NotForSale: see their messages.
        AgreementsChanged: other agreements are in force than those that were shown.
        NotFound, NotConfigurable: the configuration is not sold.
        QuoteExpired, PriceChanged: the quote no longer holds.
    """
    with transaction.atomic():
        return _place(placement, account=account, by=by, at=at or clock.now())


def _place(placement: Placement, *, account: Account, by: Actor, at: datetime) -> Order:
    require(by, Permission.BUY)
    account = ordering_account(account.pk)
    if not placement.agreements_accepted:
        raise AgreementsNotAccepted(errors={"agreements_accepted": [AgreementsNotAccepted.default_message]})
    specification = specification_on_sale(placement.request.specification)
    _check_for_sale(specification, placement.auto_renew, placement.request)
    deployment = _checked_deployment(placement, specification.product, account, at)
    number = order_number(at)
    check_coupon(placement.quote, placement.coupon)
    if placement.quote:
        quote = pricing.redeem(
            placement.quote,
            request=placement.request,
            account=account,
            at=at,
            order_number=number,
            specification=specification,
        )
    else:
        quote = pricing.quote_purchase(
            placement.request, account=account, coupon=placement.coupon, at=at, specification=specification
        )
    order = _create(number, specification, quote, placement, account=account, by=by, at=at)
    if deployment is not None:
        ports.deployments().keep(order, deployment, quote=quote, by=by, at=at)
    return take_up(order, quote, account=account, by=by, at=at)


def _checked_deployment(
    placement: Placement, product: Product, account: Account, at: datetime
) -> DeploymentWish | None:
    """How an image's servers are to be; pay-per-use only for who can be charged afterwards (RULES 6).

    Raises:
        InvalidInput: an image without deployment or server, something else with one, or a wish that cannot be.
    """
    request, wish = placement.request, placement.deployment
    if not ports.is_deployed(product):
        if wish is not None or request.server is not None:
            why = "Only an image is deployed on a server."
            raise InvalidInput(why, errors={"deployment": [why]})
        return None
    if wish is None or request.server is None:
        why = "Say where the image is deployed: deployment with region, flavor, network and security_group."
        raise InvalidInput(why, errors={"deployment": [why]})
    by_use = request.billing_mode == BillingMode.PAY_PER_USE
    if by_use and (refusal := ports.money().owing_refusal(account, by_use=True, at=at)):
        raise refusal
    return ports.deployments().checked(wish, request=request, product=product, account=account)


def _check_for_sale(specification: Specification, auto_renew: bool, request: QuoteRequest) -> None:
    product = specification.product
    if refusal := ports.sale_refusal(product):
        raise NotForSale(refusal)
    if auto_renew and not (product.auto_renewal_supported and request.duration):
        raise AutoRenewalNotSupported


def _create(
    number: str,
    specification: Specification,
    quote: Quote,
    placement: Placement,
    *,
    account: Account,
    by: Actor,
    at: datetime,
) -> Order:
    product, request = specification.product, quote.request
    order = write_order(number, product, quote, account=account, by=by, at=at, auto_renew=placement.auto_renew)
    line = OrderLine(
        order=order,
        delivery_method=product.delivery_method,
        specification=specification,
        product_name=product.name,
        specification_name=specification.name,
        attributes=dict(quote.attributes),
        quantity=request.quantity,
        billing_mode=request.billing_mode,
        duration_value=request.duration.value if request.duration else None,
        duration_unit=request.duration.unit if request.duration else "",
        currency=quote.currency,
        amount=quote.payable.amount,
        metered=quote.metered.as_json() if quote.metered else None,
    )
    lines = [line]
    if quote.server is not None and quote.server_payable is not None:
        line.amount -= quote.server_payable.amount
        lines.append(_server_line(line, quote))
    insert(lines)
    accepted = [
        AcceptedAgreement(
            order=order,
            agreement=agreement,
            title=agreement.title,
            version=agreement.version,
            text=agreement.text,
            text_sha256=hashlib.sha256(agreement.text.encode()).hexdigest(),
            accepted_at=at,
            accepted_by=by.label,
        )
        for agreement in _accepted(placement, _AGREEMENTS.all(product=product.pk))
    ]
    insert(accepted)
    return order


def _server_line(image: OrderLine, quote: Quote) -> OrderLine:
    """The ECS of an image order: a line of its own, subscribed and renewed by itself (guide 3.4)."""
    assert quote.server is not None
    assert quote.server_payable is not None
    return OrderLine(
        order=image.order,
        position=1,
        delivery_method=DeliveryMethod.ECS,
        product_name=str(DeliveryMethod.ECS.label),
        specification_name=quote.server.name,
        attributes=quote.server.as_attributes(),
        quantity=image.quantity,
        billing_mode=image.billing_mode,
        duration_value=image.duration_value,
        duration_unit=image.duration_unit,
        currency=image.currency,
        amount=quote.server_payable.amount,
        metered=quote.server_metered.as_json() if quote.server_metered else None,
    )


def _accepted(placement: Placement, in_force: list[Agreement]) -> list[Agreement]:
    """The agreements in force, which must be those that were shown."""
    shown = placement.agreements
    if shown is None and placement.quote:
        shown = pricing.agreements_shown(placement.quote)
    if shown is not None and shown != {one.pk for one in in_force}:
        raise AgreementsChanged(errors={"agreements_accepted": [AgreementsChanged.default_message]})
    return in_force


# --- drafts: the browser's way to an order ------------------------------------------------------------------


def open_draft(
    request: QuoteRequest,
    *,
    account: Account,
    user: User,
    by: Actor,
    auto_renew: bool = False,
    at: datetime | None = None,
    specification: Specification | None = None,
) -> PurchaseDraft:
    """Keep a configuration for 24 hours between "Continue to Submit" and Pay Now; a coupon is chosen on Confirm.

    Args:
        specification: the requested one, when the caller has read it as on sale already.

    Raises:
        PermissionRefused, AccountFrozen, AutoRenewalNotSupported, NotForSale, NotFound, NotConfigurable.
    """
    at = at or clock.now()
    require(by, Permission.BUY)
    if account.is_frozen:
        raise AccountFrozen
    specification = specification or specification_on_sale(request.specification)
    _check_for_sale(specification, auto_renew, request)
    quote = pricing.quote_purchase(request, account=account, at=at, specification=specification)
    draft = PurchaseDraft(
        account=account,
        user=user,
        product=specification.product,
        request=request.as_json(),
        quote=quote.token,
        auto_renew=auto_renew,
        created_at=at,
        expires_at=quote.expires_at,
    )
    insert([draft])
    return draft


@dataclass(frozen=True, slots=True)
class DraftPreview:
    """A draft's price today.

    Attributes:
        specification: what it is for, as it is on sale.
        was: the payable amount as JSON that was shown before, when it changed.
        coupon_refusal: why the coupon that was chosen is not used any more, or empty.
    """

    specification: Specification
    quote: Quote
    was: dict[str, str] | None = None
    coupon_refusal: str = ""


def preview_draft(draft: PurchaseDraft, *, at: datetime | None = None) -> DraftPreview:
    """What Confirm prints. A changed or expired price is quoted anew and kept; Confirm shows old and new.

    A coupon that may not be used any more is taken off, which Confirm says and shows as a changed price.

    Raises:
        NotFound, NotConfigurable: the product or configuration is not sold any more.
    """
    at = at or clock.now()
    request, account = QuoteRequest.from_json(draft.request), draft.account
    specification = specification_on_sale(request.specification)
    try:
        quote = pricing.check(draft.quote, request=request, account=account, at=at, specification=specification)
        return DraftPreview(specification, quote)
    except (QuoteExpired, PriceChanged, CouponInvalid):
        shown, refusal = pricing.shown_price(draft.quote), ""

    def quoted(coupon: str) -> Quote:
        return pricing.quote_purchase(request, account=account, coupon=coupon, at=at, specification=specification)

    try:
        quote = quoted(draft.coupon)
    except CouponInvalid as refused:
        draft.coupon, refusal = "", refused.message
        quote = quoted("")
    PurchaseDraft.objects.filter(pk=draft.pk, order=None).update(quote=quote.token, coupon=draft.coupon)
    draft.quote = quote.token
    return DraftPreview(specification, quote, shown if shown != quote.payable.as_json() else None, refusal)


def configure_draft(
    draft: PurchaseDraft, request: QuoteRequest, deployment: dict[str, Any], *, by: Actor, at: datetime | None = None
) -> Quote:
    """Keep another configuration in a draft, such as a step of the ECS wizard chose it; quoted anew.

    Args:
        deployment: what is chosen for the servers so far, never a password.

    Raises:
        PermissionRefused: the actor's role may not buy.
        NotConfigurable: it is not sold; the draft keeps what it had.
    """
    at = at or clock.now()
    require(by, Permission.BUY)
    quote = pricing.quote_purchase(request, account=draft.account, at=at)
    draft.request, draft.quote, draft.deployment = request.as_json(), quote.token, deployment
    draft.coupon = ""
    PurchaseDraft.objects.filter(pk=draft.pk, order=None).update(
        request=draft.request, quote=draft.quote, deployment=deployment, coupon=""
    )
    return quote


def use_coupon(draft: PurchaseDraft, code: str, *, by: Actor, at: datetime | None = None) -> PurchaseDraft:
    """Choose a coupon on Confirm, or none with an empty code: the draft is quoted anew.

    Raises:
        PermissionRefused: the actor's role may not buy.
        CouponInvalid: it may not be used for this order; the draft keeps what it had.
        Throttled: too many wrong codes.
    """
    at = at or clock.now()
    require(by, Permission.BUY)
    request = QuoteRequest.from_json(draft.request)
    quote = pricing.quote_purchase(request, account=draft.account, coupon=code, at=at)
    draft.quote, draft.coupon = quote.token, quote.applied.coupon
    PurchaseDraft.objects.filter(pk=draft.pk, order=None).update(quote=draft.quote, coupon=draft.coupon)
    return draft


def place_draft(
    draft: PurchaseDraft,
    *,
    agreements_accepted: bool,
    quote: str,
    by: Actor,
    agreements: frozenset[int] | None = None,
    deployment: DeploymentWish | None = None,
    at: datetime | None = None,
) -> Order:
    """Pay Now on Confirm: the draft's order, made once however often the button is pressed.

    `quote` is the token that the page showed and `agreements` are the texts that it listed, so that what was seen is
    what is charged and accepted; `deployment` is how the servers of an image are to be.

    Raises:
        NotFound: the draft has expired.
        See `place_order`.
    """
    at = at or clock.now()
    account = draft.account
    with transaction.atomic():
        draft = _DRAFT_LOCKED.get(pk=draft.pk)
        if draft.order is not None:
            return draft.order
        if draft.expires_at < at:
            raise NotFound("This configuration has expired. Configure the product again.")
        if not quote:
            raise InvalidInput("The price offer is missing. Reload the page and try again.")
        placement = Placement(
            request=QuoteRequest.from_json(draft.request),
            auto_renew=draft.auto_renew,
            agreements_accepted=agreements_accepted,
            quote=quote,
            coupon=pricing.coupon_of(quote),
            agreements=agreements,
            deployment=deployment,
        )
        order = _place(placement, account=account, by=by, at=at)
        draft.order = order
        update(draft, "order")
    return order
