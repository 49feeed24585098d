"""Quick provisioning (guide 3.4): Buy, choose the ECS, a network and a password, agree, Quickly Enable."""

from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission
from accounts.web import BuyerRequest, buyer_required
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError
from koogallery.kernel.money import Money
from orders import ports
from orders.deployments import DeploymentWish
from orders.services import configure_draft
from orders.views.product import cost_lines
from pricing.choosing import allowed_durations
from pricing.errors import NotConfigurable, PriceChanged
from pricing.values import Duration, QuoteRequest
from provisioning.compute.forms import QuickForm
from provisioning.compute.views.drafting import (
    Drafted,
    after_quick,
    bar_of,
    drafted,
    flavor_table,
    number_from,
    place,
)


@require_safe
@buyer_required(Permission.BUY)
def provision(request: BuyerRequest, draft_id: str) -> HttpResponse:
    """`/purchase/<draft>/provision/`: Buy, or Customize Config."""
    one = drafted(request, draft_id)
    if one.draft.order is not None:
        return redirect(one.draft.order)
    quote = one.quote()
    context = {
        "one": one,
        "product": one.draft.product,
        "quote": quote,
        "cost_lines": cost_lines(one.draft.product.name, quote),
        "bar": bar_of(one, quote),
        "current_step": 2,
    }
    return render(request, "compute/provision.html", context)


@never_cache
@sensitive_post_parameters("password", "confirm_password")
@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.BUY)
def quick(request: BuyerRequest, draft_id: str) -> HttpResponse:
    """`/purchase/<draft>/quick/`: one server with the seller's recommendations, in one page."""
    one = drafted(request, draft_id)
    if one.draft.order is not None:
        return redirect(one.draft.order)
    form = _form(request, one)
    error: DomainError | None = None
    if request.method == "POST":
        one.wanted = _wanted(request, one)
        if "update" in request.POST:
            # Only the price was asked for: nothing is wrong yet.
            form = QuickForm(one=one, username=one.image.username)
        elif form.is_valid():
            try:
                return _enable(request, one, form)
            except DomainError as refused:
                error = refused
                form.refuse(refused)
    return _page(request, one, form, error)


def _form(request: BuyerRequest, one: Drafted) -> QuickForm:
    data = request.POST if request.method == "POST" else None
    return QuickForm(data, one=one, username=one.image.username)


def _wanted(request: BuyerRequest, one: Drafted) -> QuoteRequest:
    """The draft's configuration with the flavor and the duration of the form."""
    data = request.POST if request.method == "POST" else request.GET
    server = replace(one.server, flavor=data.get("flavor", one.server.flavor)[:40])
    duration = one.wanted.duration
    if duration is not None:
        duration = Duration(number_from(data, "duration", duration.value), duration.unit)
    return replace(one.wanted, server=server, duration=duration, quantity=1)


@sensitive_variables()
def _enable(request: BuyerRequest, one: Drafted, form: QuickForm) -> HttpResponse:
    """Quickly Enable: place the order and pay it by itself.

    Raises:
        DomainError: nothing was ordered.
    """
    by_use = one.wanted.duration is None
    if refusal := ports.money().owing_refusal(request.account, by_use=by_use, at=clock.now()):
        raise refusal
    configure_draft(one.draft, one.wanted, {}, by=request.actor)
    given = form.cleaned_data
    wish = DeploymentWish(
        network=given["network"],
        subnet=given["subnet"],
        security_group=given["security_group"],
        password=given["password"],
    )
    return after_quick(request, place(one, request, wish))


def _page(request: BuyerRequest, one: Drafted, form: QuickForm, error: DomainError | None) -> HttpResponse:
    wanted = one.wanted if request.method == "POST" else _wanted(request, one)
    flavor = wanted.server.flavor if wanted.server else ""
    context = _cost(one, wanted)
    agreements = one.agreements
    durations = allowed_durations(one.facts, wanted.billing_mode)
    context |= {
        "one": one,
        "product": one.draft.product,
        "form": form,
        "error": error,
        "old_price": Money.from_json(error.extra["old"]) if isinstance(error, PriceChanged) else None,  # type: ignore[arg-type]
        "table": flavor_table(one, flavor, request.GET),
        "flavor_error": error.errors.get("deployment.flavor", [""])[0] if error else "",
        "duration": wanted.duration,
        "longest": durations[-1].value if durations else 0,
        "groups": one.groups,
        "agreements": agreements,
        "agreements_shown": ",".join(str(agreement["id"]) for agreement in agreements),
        "agreements_error": error.errors.get("agreements_accepted", [""])[0] if error else "",
        "current_step": 2,
    }
    return render(request, "compute/quick.html", context, status=422 if form.errors or error else 200)


def _cost(one: Drafted, wanted: QuoteRequest) -> dict[str, Any]:
    try:
        quote = one.quote(wanted)
    except NotConfigurable as refused:
        return {"quote": None, "bar": None, "cost_error": refused.message}
    return {"quote": quote, "bar": bar_of(one, quote), "cost_error": ""}


@require_safe
@buyer_required(Permission.BUY)
def quick_quote(request: BuyerRequest, draft_id: str) -> HttpResponse:
    """`/purchase/<draft>/quick/quote/?flavor=...`: the bar at the foot, as the calculator fetches it."""
    one = drafted(request, draft_id)
    context = _cost(one, _wanted(request, one))
    return render(request, "compute/_bar.html", context, status=422 if context["quote"] is None else 200)
