"""The ECS console: the account's servers, what each is and does, and what can be done with it."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from catalog.choices import BillingMode, DiskType, OperatingSystem
from koogallery.kernel.errors import DomainError
from koogallery.kernel.web.parts import Link, Record
from provisioning.compute.choices import ServerAct, ServerStatus
from provisioning.compute.forms import PasswordForm
from provisioning.compute.models import Server
from provisioning.compute.rules import act_refusal, password_rules
from provisioning.compute.services.living import act_on_server, reset_password

PAGE_SIZE = 20
RECORDS = 20
SHOWN = (ServerStatus.BUILDING, ServerStatus.RUNNING, ServerStatus.STOPPED)
ON_THEIR_WAY = (
    ServerStatus.BUILDING,
    ServerStatus.STARTING,
    ServerStatus.STOPPING,
    ServerStatus.REBOOTING,
    ServerStatus.DELETING,
)


@require_safe
@buyer_required()
def servers(request: BuyerRequest) -> HttpResponse:
    """`/my/servers/`: Elastic Cloud Server; `?order=` shows those of one order."""
    rows = Server.objects.for_account(request.account).listed().with_console_columns()
    order, status = request.GET.get("order", "")[:20], request.GET.get("status", "")
    if order:
        rows = rows.filter(deployment__order__number=order)
    if status in ServerStatus.values:
        rows = rows.filter(status=status)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    tabs = [Link(_("All"), "?", current=not order and status not in ServerStatus.values)]
    tabs += [Link(one.label, f"?status={one.value}", current=status == one.value) for one in SHOWN]
    context = {
        "page": page,
        "tabs": tabs,
        "order": order,
        "is_filtered": bool(order or status),
        "is_under_way": any(one.status in ON_THEIR_WAY for one in page.object_list),
    }
    return render(request, "compute/servers.html", context)


def _server(request: BuyerRequest, public_id: str) -> Server:
    rows = Server.objects.for_account(request.account).with_console_columns()
    return get_object_or_404(rows, public_id=public_id)


@require_safe
@buyer_required()
def server(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/my/servers/<id>/`: the console page of a server."""
    one = _server(request, public_id)
    deployment = one.deployment
    records = [
        Record(title=record.text, who=record.by, at=record.at) for record in one.records.order_by("-id")[:RECORDS]
    ]
    acts = [
        (act, act_refusal(act, one.status, frozen=one.frozen_at is not None, by_use=one.is_by_use)) for act in ServerAct
    ]
    context = {
        "server": one,
        "deployment": deployment,
        "image": deployment.image,
        "product": deployment.image.product,
        "acts": acts,
        "refusals": [(act.label, why) for act, why in acts if why],
        "may_act": may(request.membership.role, Permission.BUY),
        "is_under_way": one.status in ON_THEIR_WAY,
        "is_windows": deployment.image.platform == OperatingSystem.WINDOWS,
        "billing_label": BillingMode(deployment.billing_mode).label,
        "disk_label": DiskType(deployment.system_disk_type).label,
        "data_disks": [(DiskType(disk["type"]).label, disk["size_gb"]) for disk in deployment.data_disks],
        "rules": deployment.security_group.rule_list,
        "records": records,
    }
    return render(request, "compute/server.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.BUY)
def act(request: BuyerRequest, public_id: str, act: str) -> HttpResponse:
    """`/my/servers/<id>/<act>/`: start, stop, restart or delete, with what it means."""
    if act not in ServerAct.values or act == ServerAct.PASSWORD:
        raise Http404
    one, wanted = _server(request, public_id), ServerAct(act)
    if request.method == "POST":
        try:
            act_on_server(one, wanted, by=request.actor)
        except DomainError as refused:
            messages.error(request, refused.message)
            return redirect(one)
        messages.success(
            request, _("%(act)s: %(name)s. It takes a few seconds.") % {"act": wanted.label, "name": one.name}
        )
        return redirect("compute:servers") if wanted is ServerAct.DELETE else redirect(one)
    context = {
        "server": one,
        "act": wanted,
        "ok_class": "btn-danger-soft" if wanted is ServerAct.DELETE else "btn-primary",
        "refusal": act_refusal(wanted, one.status, frozen=one.frozen_at is not None, by_use=one.is_by_use),
    }
    return render(request, "compute/server_act.html", context)


@never_cache
@sensitive_post_parameters("password", "confirm_password")
@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.BUY)
def password(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/my/servers/<id>/password/`: Reset Password."""
    one = _server(request, public_id)
    username = one.deployment.image.username
    form = PasswordForm(request.POST if request.method == "POST" else None, username=username)
    if request.method == "POST" and form.is_valid():
        try:
            reset_password(one, form.cleaned_data["password"], by=request.actor)
            messages.success(request, _("The password was reset. It holds for the next log-in."))
            return redirect(one)
        except DomainError as refused:
            form.refuse(refused)
    context = {"server": one, "form": form, "rules": password_rules(username), "username": username}
    return render(request, "compute/server_password.html", context, status=422 if form.errors else 200)
