"""What an account's servers share: VPCs, security groups with their rules, key pairs, ECS groups, enterprise projects."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from catalog.models import Region
from koogallery.kernel.errors import DomainError
from provisioning.compute.forms import (
    CleanForm,
    KeyPairForm,
    ProjectForm,
    RegionForm,
    RuleForm,
    SubnetForm,
    VpcForm,
)
from provisioning.compute.models import EcsGroup, EnterpriseProject, KeyPair, SecurityGroup, Vpc
from provisioning.compute.services import own

PAGE_SIZE = 20


def _back(request: BuyerRequest, otherwise: str) -> str:
    """Where the page leads afterwards: the page of this site that `next` names."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return wanted if safe and wanted.startswith("/") else otherwise


def _region(code: str) -> Region:
    return get_object_or_404(Region, code=code, is_open=True)


@require_safe
@buyer_required()
def networks(request: BuyerRequest) -> HttpResponse:
    """`/my/networks/`: VPCs with their subnets."""
    rows = Vpc.objects.for_account(request.account).select_related("region").prefetch_related("subnets")
    page = Paginator(rows.order_by("region__position", "name"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "may_act": may(request.membership.role, Permission.BUY)}
    return render(request, "compute/networks.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.BUY)
def network_new(request: BuyerRequest) -> HttpResponse:
    """`/my/networks/new/`: Create VPC."""
    initial = {"region": request.GET.get("region", "")}
    form = VpcForm(request.POST if request.method == "POST" else None, initial=initial)

    def create(given: dict[str, Any]) -> str:
        region = _region(given.pop("region"))
        vpc = own.create_vpc(request.account, region, by=request.actor, **given)
        return _("The VPC %(name)s was created.") % {"name": vpc.name}

    return _form_page(request, form, create, _("Create VPC"), reverse("compute:networks"))


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.BUY)
def subnet_new(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/my/networks/<id>/subnets/new/`: Create Subnet."""
    vpc = get_object_or_404(Vpc.objects.for_account(request.account), public_id=public_id)
    form = SubnetForm(request.POST if request.method == "POST" else None)

    def create(given: dict[str, Any]) -> str:
        subnet = own.create_subnet(vpc, by=request.actor, **given)
        return _("The subnet %(name)s was created.") % {"name": subnet.name}

    return _form_page(request, form, create, _("Create Subnet"), reverse("compute:networks"), about=str(vpc))


def _form_page(
    request: BuyerRequest, form: CleanForm, create: Any, title: str, otherwise: str, about: str = ""
) -> HttpResponse:
    back = _back(request, otherwise)
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, create(dict(form.cleaned_data)))
            return redirect(back)
        except DomainError as refused:
            form.refuse(refused)
    context = {"form": form, "title": title, "about": about, "back": back}
    return render(request, "compute/new.html", context, status=422 if form.errors else 200)


@require_safe
@buyer_required()
def security_groups(request: BuyerRequest) -> HttpResponse:
    """`/my/security-groups/`: what may reach the account's servers."""
    rows = SecurityGroup.objects.for_account(request.account).select_related("region", "recommended_for")
    rows = rows.annotate(used=Count("deployments")).order_by("region__position", "name")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "may_act": may(request.membership.role, Permission.BUY)}
    return render(request, "compute/security_groups.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.BUY)
def security_group_new(request: BuyerRequest) -> HttpResponse:
    """`/my/security-groups/new/`: Create Security Group; its rules are added on its own page."""
    form = RegionForm(
        request.POST if request.method == "POST" else None, initial={"region": request.GET.get("region", "")}
    )

    def create(given: dict[str, Any]) -> str:
        region = _region(given["region"])
        group = own.create_security_group(request.account, region, name=given["name"], rules=[], by=request.actor)
        return _("The security group %(name)s was created. It lets nothing in before you add rules.") % {
            "name": group.name
        }

    return _form_page(request, form, create, _("Create Security Group"), reverse("compute:security_groups"))


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required()
def security_group(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/my/security-groups/<id>/`: its rules; a POST adds one, removes one, or deletes the group."""
    rows = SecurityGroup.objects.for_account(request.account).select_related("region", "recommended_for")
    group = get_object_or_404(rows, public_id=public_id)
    form = RuleForm(request.POST if "add" in request.POST else None)
    if request.method == "POST":
        try:
            if (gone := _change(request, group, form)) is not None:
                return gone
        except DomainError as refused:
            form = form if form.is_bound else RuleForm({})
            form.is_valid()
            form.add_error(None, refused.message)
    context = {
        "group": group,
        "form": form,
        "rules": group.rule_list,
        "used": group.deployments.count(),
        "may_act": may(request.membership.role, Permission.BUY),
    }
    return render(request, "compute/security_group.html", context, status=422 if form.is_bound and form.errors else 200)


def _change(request: BuyerRequest, group: SecurityGroup, form: RuleForm) -> HttpResponse | None:
    """What the POST asks for; None when the form is to be corrected."""
    if "delete" in request.POST:
        own.delete_security_group(group, by=request.actor)
        messages.success(request, _("The security group %(name)s was deleted.") % {"name": group.name})
        return redirect("compute:security_groups")
    rules = list(group.rules)
    if "add" in request.POST:
        if not form.is_valid():
            return None
        rules.append(form.cleaned_data)
        said = _("The rule was added. Servers have it within seconds.")
    else:
        number = request.POST.get("remove", "")
        if not number.isdecimal() or len(number) > 3 or int(number) >= len(rules):
            raise Http404
        del rules[int(number)]
        said = _("The rule was removed. Servers have it within seconds.")
    own.change_rules(group, rules=rules, by=request.actor)
    messages.success(request, said)
    return redirect("compute:security_group", group.public_id)


@require_safe
@buyer_required()
def cloud(request: BuyerRequest) -> HttpResponse:
    """`/my/cloud/`: key pairs, ECS groups and enterprise projects."""
    account = request.account
    context = {
        "key_pairs": KeyPair.objects.for_account(account)[:PAGE_SIZE],
        "ecs_groups": EcsGroup.objects.for_account(account).select_related("region")[:PAGE_SIZE],
        "projects": EnterpriseProject.objects.for_account(account)[:PAGE_SIZE],
        "may_act": may(request.membership.role, Permission.BUY),
    }
    return render(request, "compute/cloud.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.BUY)
def cloud_new(request: BuyerRequest, kind: str) -> HttpResponse:
    """`/my/cloud/<kind>/new/`: a key pair, an ECS group or an enterprise project."""
    data, account, by = (request.POST if request.method == "POST" else None), request.account, request.actor
    home = reverse("compute:cloud")
    if kind == "key-pairs":

        def create_pair(given: dict[str, Any]) -> str:
            return _("Created: %(name)s.") % {"name": own.create_key_pair(account, by=by, **given)}

        return _form_page(request, KeyPairForm(data), create_pair, _("Create Key Pair"), home)
    if kind == "ecs-groups":

        def create_group(given: dict[str, Any]) -> str:
            region = _region(given["region"])
            return _("Created: %(name)s.") % {"name": own.create_ecs_group(account, region, name=given["name"], by=by)}

        form = RegionForm(data, initial={"region": request.GET.get("region", "")})
        return _form_page(request, form, create_group, _("Create ECS Group"), home)
    if kind == "enterprise-projects":

        def create_project(given: dict[str, Any]) -> str:
            return _("Created: %(name)s.") % {"name": own.create_enterprise_project(account, by=by, **given)}

        return _form_page(request, ProjectForm(data), create_project, _("Create Enterprise Project"), home)
    raise Http404
