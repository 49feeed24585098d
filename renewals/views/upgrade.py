"""My KooGallery > Purchased Apps > Upgrade Specification (guide 2.2)."""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission
from accounts.web import BuyerRequest, buyer_required
from catalog.choices import AttributeKind, BillingMode, DeliveryMethod
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError, InvalidInput
from koogallery.kernel.money import Money
from koogallery.kernel.web.parts import Choice
from orders.models import Subscription
from orders.services import UpgradeWish, place_upgrade, quote_upgrade, upgrade_refusal
from orders.views.product import cost_lines
from pricing.configuration import ATTRIBUTE_PREFIX
from pricing.coupons import offered_coupons
from pricing.errors import CouponInvalid, PriceChanged, QuoteExpired, UpgradeNotAllowed
from pricing.services import facts_for
from pricing.values import AttributeFacts, Quote, ServerChoice


@dataclass(frozen=True, slots=True)
class TargetInput:
    """One attribute of the target: a stepper or tiles; what may not change is printed only."""

    facts: AttributeFacts
    value: str
    raisable: bool
    choices: list[Choice] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{ATTRIBUTE_PREFIX}{self.facts.code}"


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.BUY)
def upgrade(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/my/apps/<id>/upgrade/?attribute.<code>=...`: current and target configuration, what the upgrade costs, Pay Now.

    The query is the target, so that the page works without JavaScript.
    """
    app = _app(request, public_id)
    wanted = _wanted(request)
    error: DomainError | None = None
    if request.method == "POST":
        try:
            wish = UpgradeWish(wanted, request.POST.get("quote", ""), request.POST.get("coupon", "")[:40])
            order = place_upgrade(app, wish, by=request.actor)
            return redirect("billing:pay", order.number)
        except (UpgradeNotAllowed, InvalidInput, QuoteExpired, PriceChanged, CouponInvalid) as refused:
            error = refused
    refusal = upgrade_refusal(app, at=clock.now())
    cost = _cost(request, app, wanted, refusal)
    context = {
        "product": app.product,
        "refusal": refusal,
        "billing_label": BillingMode(app.billing_mode).guide_label,
        "current": current_configuration(app),
        "inputs": [] if refusal else _inputs(request, app, wanted),
        "coupons": [] if refusal else _coupons(request),
        "error": error,
        "old_price": Money.from_json(error.extra["old"]) if isinstance(error, PriceChanged) else None,  # type: ignore[arg-type]
        **cost,
    }
    wrong = error or (cost["errors"] and not refusal)
    return render(request, "renewals/upgrade.html", context, status=422 if wrong else 200)


@require_safe
@buyer_required(Permission.BUY)
def quote_fragment(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/my/apps/<id>/upgrade/quote/?attribute.<code>=...`: the cost of the target, as the calculator fetches it."""
    app = _app(request, public_id)
    context = _cost(request, app, _wanted(request), upgrade_refusal(app, at=clock.now()))
    return render(request, "renewals/_upgrade_cost.html", context, status=422 if context["errors"] else 200)


def _app(request: BuyerRequest, public_id: str) -> Subscription:
    rows = Subscription.objects.for_account(request.account).with_table_columns()
    return get_object_or_404(rows, public_id=public_id)


def _wanted(request: BuyerRequest) -> dict[str, str | int]:
    data = request.POST if request.method == "POST" else request.GET
    return {
        name.removeprefix(ATTRIBUTE_PREFIX): data.get(name, "")[:40]
        for name in data
        if name.startswith(ATTRIBUTE_PREFIX) and data.get(name)
    }


def _coupon(request: BuyerRequest) -> str:
    return (request.POST if request.method == "POST" else request.GET).get("coupon", "")[:40]


def _coupons(request: BuyerRequest) -> list[Choice]:
    """The account's coupons that may be used now, to choose one from: no code is guessed while the cost is live."""
    chosen, offered = _coupon(request), offered_coupons(request.account, at=clock.now())
    return [Choice(one.code, f"{one.name or one} · {one.code}", selected=one.code == chosen) for one in offered]


def _cost(
    request: BuyerRequest, app: Subscription, wanted: dict[str, str | int], refusal: DomainError | None
) -> dict[str, Any]:
    """What the cost of the target is printed from: the signed quote, or what is wrong; neither before a choice."""
    quote: Quote | None = None
    errors = {"": refusal.message} if refusal else {}
    if wanted and not refusal:
        try:
            quote = quote_upgrade(app, UpgradeWish(wanted, coupon=_coupon(request)), account=request.account)
        except (UpgradeNotAllowed, InvalidInput, CouponInvalid) as refused:
            errors = {"": refused.message}
    return {"app": app, "quote": quote, "cost_lines": cost_lines(app.product.name, quote), "errors": errors}


def current_configuration(app: Subscription) -> list[tuple[str, object]]:
    """The configuration in force, in the seller's words; of a server in the ECS wizard's."""
    if app.delivery_method == DeliveryMethod.ECS and (server := ServerChoice.from_json(app.attributes)):
        return list(server.words())
    known = {one.code: one for one in app.specification.attributes.all()} if app.specification else {}
    words: list[tuple[str, object]] = []
    for code, value in app.attributes.items():
        choices = {one["code"]: one["name"] for one in known[code].choices} if code in known else {}
        words.append((known[code].name if code in known else code, choices.get(value, value)))
    return words


def _inputs(request: BuyerRequest, app: Subscription, wanted: dict[str, str | int]) -> list[TargetInput]:
    assert app.specification is not None
    raisable = set(app.specification.upgrade_rule.attributes)
    inputs = []
    for facts in facts_for(app.specification, request.account).attributes:
        value = str(wanted.get(facts.code, app.attributes.get(facts.code, facts.default)))
        choices = [Choice(code, name, selected=code == value) for code, name in facts.choices]
        choices = choices if facts.kind == AttributeKind.ENUMERATED else []
        inputs.append(TargetInput(facts, value, facts.code in raisable, choices))
    return inputs
