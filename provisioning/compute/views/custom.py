"""Customized provisioning (guide 3.4): Buy ECS in four steps. Each step is kept in the draft; the password is not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django import forms
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission
from accounts.web import BuyerRequest, buyer_required
from catalog.choices import BillingMode, DiskType
from catalog.models.cloud import MOST_DISK_GB
from koogallery.kernel.errors import DomainError
from koogallery.kernel.money import Money
from koogallery.kernel.web.parts import Choice
from orders.deployments import DeploymentWish
from orders.services import configure_draft
from pricing.choosing import allowed_durations
from pricing.errors import NotConfigurable, PriceChanged
from pricing.servers import MOST_DATA_DISKS
from pricing.values import Disk, Duration, QuoteRequest, SpecificationFacts
from provisioning.compute.forms import DISKS, AdvancedForm, ConfirmForm, EipForm
from provisioning.compute.rules import MOST_AT_ONCE
from provisioning.compute.services import naming, own
from provisioning.compute.views import sealed
from provisioning.compute.views.drafting import (
    Drafted,
    bar_of,
    drafted,
    flavor_table,
    number_from,
    place,
)

STEPS = ("basic", "network", "advanced", "confirm")


@never_cache
@sensitive_post_parameters("password", "confirm_password")
@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.BUY)
def step(request: BuyerRequest, draft_id: str, step: str) -> HttpResponse:
    """`/purchase/<draft>/custom/<step>/`: basic, network, advanced, confirm."""
    if step not in STEPS:
        raise Http404
    one = drafted(request, draft_id)
    if one.draft.order is not None:
        return redirect(one.draft.order)
    pages: dict[str, Callable[[BuyerRequest, Drafted], HttpResponse]] = {
        "basic": basic,
        "network": network,
        "advanced": advanced,
        "confirm": confirm,
    }
    return pages[step](request, one)


def _on(one: Drafted, step: str) -> HttpResponse:
    return redirect("compute:custom", one.draft.public_id, step)


def _page(
    request: BuyerRequest, one: Drafted, step: str, context: dict[str, Any], error: DomainError | None = None
) -> HttpResponse:
    """A step with what all have: the four steps, the bar."""
    try:
        quote = one.quote()
        bar, cost_error = bar_of(one, quote), ""
    except NotConfigurable as refused:
        quote, bar, cost_error = None, None, refused.message
    form = context.get("form")
    context |= {
        "one": one,
        "product": one.draft.product,
        "step": step,
        "step_number": STEPS.index(step) + 1,
        "quote": quote,
        "bar": bar,
        "cost_error": cost_error,
        "error": error,
        "old_price": Money.from_json(error.extra["old"]) if isinstance(error, PriceChanged) else None,  # type: ignore[arg-type]
    }
    wrong = error or (form is not None and form.errors)
    return render(request, f"compute/custom_{step}.html", context, status=422 if wrong else 200)


# --- 1 Configure Basic Settings -----------------------------------------------------------------------------------


def basic(request: BuyerRequest, one: Drafted) -> HttpResponse:
    """Region, billing mode, zone, flavor, image, disks, quantity, duration."""
    error: DomainError | None = None
    data = request.POST if request.method == "POST" else request.GET
    if data:
        wanted, wish = _read_basic(one, data)
        assert wanted.server is not None
        if request.method == "POST" and "add_disk" not in data:
            try:
                configure_draft(one.draft, wanted, wish.as_json(), by=request.actor)
                return _on(one, "network")
            except NotConfigurable as refused:
                error = refused
        # What was chosen stays in the page, also when it is not sold; another region has other flavors.
        if any(r["code"] == wanted.server.region for r in one.draft.open_regions):  # type: ignore[attr-defined]
            one = Drafted(one.draft, wanted)
        one.wish = wish
    facts, images = one.facts, one.images
    disk = one.server.system_disk or Disk(DiskType.HIGH, one.image.disk_gb)
    more = [one_more for one_more in [*one.server.data_disks] if one_more.size_gb]
    if "add_disk" in data and len(more) < MOST_DATA_DISKS:
        more.append(Disk(DiskType.HIGH, 100))
    context = {
        "regions": [
            Choice(r["code"], r["name"], selected=r["code"] == one.server.region)
            for r in one.draft.open_regions  # type: ignore[attr-defined]
        ],
        "modes": _modes(one, facts),
        "zones": [Choice("", _("Random"), selected=not one.wish.zone)]
        + [Choice(zone, zone, selected=zone == one.wish.zone) for zone in one.region.zones],
        "images": [
            Choice(i.version, i.name, selected=i.version == one.image.version)
            for i in images
            if i.is_in(one.region.code)
        ],
        "table": flavor_table(one, one.server.flavor, request.GET),
        "disk": disk,
        "disk_types": [Choice(value, label, selected=value == disk.kind) for value, label in DISKS],
        "data_disks": [
            {"disk": d, "types": [Choice(value, label, selected=value == d.kind) for value, label in DISKS]}
            for d in more
        ],
        "disks_left": MOST_DATA_DISKS - len(more),
        "most_disk": MOST_DISK_GB,
        "durations": _durations(one, facts),
        "most": min(MOST_AT_ONCE, facts.max_quantity),
        "errors": _by_field(error),
    }
    return _page(request, one, "basic", context, error)


def _by_field(error: DomainError | None) -> dict[str, str]:
    return {name.rpartition(".")[2]: texts[0] for name, texts in error.errors.items()} if error else {}


def _modes(one: Drafted, facts: SpecificationFacts) -> list[Choice]:
    """Yearly/Monthly and Pay-per-use, as far as the image is sold so; spot prices are not offered (RULES 8)."""
    by_use = one.wanted.billing_mode == BillingMode.PAY_PER_USE
    modes = []
    if facts.prices.keys() & {BillingMode.MONTHLY, BillingMode.YEARLY}:
        modes.append(Choice("term", _("Yearly/Monthly"), selected=not by_use))
    if BillingMode.PAY_PER_USE in facts.prices:
        modes.append(Choice(BillingMode.PAY_PER_USE, _("Pay-per-use"), selected=by_use))
    return modes


def _durations(one: Drafted, facts: SpecificationFacts) -> list[Choice]:
    """1 to 9 months and 1 year, as far as they are sold; none where it is billed by use."""
    if one.wanted.billing_mode == BillingMode.PAY_PER_USE:
        return []
    offered: list[Duration] = []
    for mode in (BillingMode.MONTHLY, BillingMode.YEARLY):
        if mode in facts.prices:
            offered += allowed_durations(facts, mode)
    chosen = one.wanted.duration
    return [Choice(f"{one.value}-{one.unit}", _label(one), selected=one == chosen) for one in offered]


def _label(duration: Duration) -> str:
    """ "1 month", "2", ... "1 year", as the guide's tiles say it."""
    if duration.unit == "month" and duration.value > 1:
        return str(duration.value) if duration.value < 8 else f"{duration.value} months"
    return str(duration)


def _term(one: Drafted, data: QueryDict) -> QuoteRequest:
    """The request with the billing mode, duration and quantity of a form."""
    wanted, facts = one.wanted, one.facts
    if data.get("mode") == BillingMode.PAY_PER_USE and BillingMode.PAY_PER_USE in facts.prices:
        wanted = replace(wanted, billing_mode=BillingMode.PAY_PER_USE.value, duration=None)
    elif data.get("mode") == "term" and wanted.duration is None:
        mode = BillingMode.MONTHLY if BillingMode.MONTHLY in facts.prices else BillingMode.YEARLY
        wanted = replace(wanted, billing_mode=mode.value, duration=Duration(1, mode.unit))
    value, _dash, unit = data.get("duration", "").partition("-")
    if wanted.duration is not None and unit in ("month", "year") and value.isdecimal() and len(value) < 4:
        mode = BillingMode.MONTHLY if unit == "month" else BillingMode.YEARLY
        wanted = replace(wanted, billing_mode=mode.value, duration=Duration(int(value), unit))
    return replace(wanted, quantity=number_from(data, "quantity", wanted.quantity))


def _read_basic(one: Drafted, data: QueryDict) -> tuple[QuoteRequest, DeploymentWish]:
    wanted = _term(one, data)
    kinds, sizes = data.getlist("data_disk_type")[:60], data.getlist("data_disk_gb")[:60]
    disks = tuple(
        Disk(kind[:20], int(size))
        for kind, size in zip(kinds, sizes, strict=False)
        if size.isdecimal() and len(size) < 7
    )
    # Before the first form there is nothing of disks in the address; a form that has none has taken them off.
    is_form = "system_disk_gb" in data
    kind = data.get("system_disk_type", DiskType.HIGH)[:20]
    size = number_from(data, "system_disk_gb", one.image.disk_gb, 99_999)
    server = replace(
        one.server,
        region=data.get("region", one.server.region)[:40],
        flavor=data.get("flavor", one.server.flavor)[:40],
        image=data.get("image", one.server.image)[:20],
        system_disk=Disk(kind, size) if is_form else one.server.system_disk,
        data_disks=disks if is_form else one.server.data_disks,
    )
    wish = replace(one.wish, zone=data.get("zone", one.wish.zone)[:20])
    if server.region != one.server.region:
        # What was chosen in the other region is not there.
        wish = replace(wish, network="", subnet="", security_group="", zone="", server_group="")
    return replace(wanted, server=server), wish


# --- 2 Configure Network --------------------------------------------------------------------------------------------


def network(request: BuyerRequest, one: Drafted) -> HttpResponse:
    """Network, security group, EIP."""
    initial = {
        "network": one.wish.network or None,
        "subnet": one.wish.subnet,
        "security_group": one.wish.security_group or None,
        "eip": "auto" if one.server.bandwidth else "",
        "bandwidth": one.server.bandwidth or 5,
    }
    data = request.POST if request.method == "POST" else None
    form = EipForm(data, initial=initial, one=one)
    error: DomainError | None = None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        wish = replace(
            one.wish, network=given["network"], subnet=given["subnet"], security_group=given["security_group"]
        )
        server = replace(one.server, bandwidth=given["bandwidth"] if given["eip"] else 0)
        try:
            configure_draft(one.draft, one.with_server(server), wish.as_json(), by=request.actor)
            return _on(one, "advanced")
        except NotConfigurable as refused:
            error = refused
            form.refuse(refused)
    context = {"form": form, "groups": one.groups, "available": _available(one)}
    return _page(request, one, "network", context, error)


def _available(one: Drafted) -> int | None:
    """Free addresses of the chosen subnet; None before there is one."""
    subnet = _found(one.own.subnets, one.wish.subnet)
    if subnet is None:
        return None
    return own.addresses_left(subnet["public_id"], subnet["cidr"])


# --- 3 Configure Advanced Settings ----------------------------------------------------------------------------------


@sensitive_variables()
def advanced(request: BuyerRequest, one: Drafted) -> HttpResponse:
    """ECS name, log-in, recovery, ECS group."""
    kept = sealed.unseal(request, one.draft)
    initial = {
        "name": one.wish.name or naming.default_name(request.account, one.wanted.quantity)[0],
        "allow_duplicate_name": one.wish.allow_duplicate_name,
        "login_mode": "key_pair" if one.wish.key_pair else "password",
        "key_pair": one.wish.key_pair,
        "auto_recovery": one.wish.auto_recovery,
        "server_group": one.wish.server_group,
    }
    form = AdvancedForm(
        request.POST if request.method == "POST" else None,
        initial=initial,
        one=one,
        has_password=bool(kept),
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        by_key = given["login_mode"] == "key_pair"
        wish = replace(
            one.wish,
            # A name that was only proposed is given anew with the order: others may take it until then.
            name=given["name"] if one.wish.name or "name" in form.changed_data else "",
            allow_duplicate_name=given["allow_duplicate_name"],
            key_pair=given["key_pair"] if by_key else "",
            auto_recovery=given["auto_recovery"],
            server_group=given["server_group"],
        )
        configure_draft(one.draft, one.wanted, wish.as_json(), by=request.actor)
        response = _on(one, "confirm")
        if by_key:
            sealed.forget(response, one.draft)
        elif given["password"]:
            sealed.seal(response, one.draft, given["password"])
        return response
    return _page(request, one, "advanced", {"form": form, "has_password": bool(kept)})


# --- 4 Confirm --------------------------------------------------------------------------------------------------------


@sensitive_variables()
def confirm(request: BuyerRequest, one: Drafted) -> HttpResponse:
    """Everything that was chosen, with links to change it; duration, quantity, agreements; Submit."""
    password = sealed.unseal(request, one.draft)
    needs_password = not one.wish.key_pair and not password
    initial = {"enterprise_project": one.wish.enterprise_project}
    form = ConfirmForm(request.POST if request.method == "POST" else None, initial=initial, one=one)
    error: DomainError | None = None
    if request.method == "POST":
        one.wanted = _term(one, request.POST)
        if form.is_valid():
            one.wish = replace(one.wish, enterprise_project=form.cleaned_data["enterprise_project"])
            try:
                configure_draft(one.draft, one.wanted, one.wish.as_json(), by=request.actor)
                if "update" not in request.POST and not needs_password:
                    return _submit(request, one, replace(one.wish, password=password))
            except DomainError as refused:
                error = refused
                form.refuse(refused)
    return _confirm_page(request, one, form, error, needs_password)


@sensitive_variables()
def _submit(request: BuyerRequest, one: Drafted, wish: DeploymentWish) -> HttpResponse:
    order = place(one, request, wish)
    if order.is_payable:
        response = redirect("billing:pay", order.number)
    else:
        response = redirect("compute:servers")
        response["Location"] += f"?order={order.number}"
    sealed.forget(response, one.draft)
    return response


def _confirm_page(
    request: BuyerRequest, one: Drafted, form: forms.Form, error: DomainError | None, needs_password: bool
) -> HttpResponse:
    account, wish, facts = request.account, one.wish, one.facts
    agreements = one.agreements
    context = {
        "form": form,
        "needs_password": needs_password,
        "flavor": flavor_table(one, one.server.flavor, QueryDict()).page.object_list[:1],
        "name": naming.shown_name(account, wish.name, one.wanted.quantity),
        "disk": one.server.system_disk or Disk(DiskType.HIGH, one.image.disk_gb),
        "disk_label": DiskType((one.server.system_disk or Disk(DiskType.HIGH, 0)).kind).label,
        "data_disks": [(DiskType(disk.kind).label, disk.size_gb) for disk in one.server.data_disks],
        "subnet": _found(one.own.subnets, wish.subnet),
        "group": _found(one.own.groups, wish.security_group),
        "key_pair": _found(one.own.key_pairs, wish.key_pair),
        "ecs_group": _found(one.own.ecs_groups, wish.server_group),
        "durations": _durations(one, facts),
        "most": min(MOST_AT_ONCE, facts.max_quantity),
        "quota": one.quota,
        "agreements": agreements,
        "agreements_shown": ",".join(str(agreement["id"]) for agreement in agreements),
        "agreements_error": error.errors.get("agreements_accepted", [""])[0] if error else "",
        "through_reseller": account.reseller_id is not None,
        "errors": _by_field(error),
    }
    return _page(request, one, "confirm", context, error)


def _found(things: list[dict[str, Any]], public_id: str) -> dict[str, Any] | None:
    return next((one for one in things if one["public_id"] == public_id), None)
