"""The seller portal's dashboard and Service Supervision (UX 3.6)."""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actor import Party
from accounts.web import SellerRequest, seller_required
from koogallery.kernel.web.parts import Figure
from supervision.choices import FlowStatus
from supervision.graph import SELLERS_TURN
from supervision.models import ServiceFlow
from supervision.views import pages
from supervision.views.lists import flow_list

SHOWN_ON_DASHBOARD = 10


@require_safe
@seller_required
def dashboard(request: SellerRequest) -> HttpResponse:
    """`/seller/`: what needs the seller now, by deadline, and how his flows stand."""
    rows = ServiceFlow.objects.for_seller(request.seller)
    counts = rows.counts("status")
    mine = rows.waiting_for(Party.SELLER).with_table_columns().order_by("respond_by", "id")
    waiting = sum(counts.get(one, 0) for one in SELLERS_TURN)
    context = {
        "figures": [
            Figure(_("Your turn"), str(waiting), _("requests to confirm and services to deliver")),
            Figure(_("Waiting for acceptance"), str(counts.get(FlowStatus.AWAITING_ACCEPTANCE, 0))),
            Figure(_("Under appeal"), str(counts.get(FlowStatus.UNDER_APPEAL, 0))),
            Figure(_("Completed"), str(counts.get(FlowStatus.COMPLETED, 0))),
        ],
        "flows": mine[:SHOWN_ON_DASHBOARD],
        "more": waiting > SHOWN_ON_DASHBOARD,
    }
    return render(request, "supervision/seller_dashboard.html", context)


@require_safe
@seller_required
def supervision_list(request: SellerRequest) -> HttpResponse:
    """`/seller/supervision/`."""
    rows = ServiceFlow.objects.for_seller(request.seller)
    mine = request.GET.get("mine") == "1"
    shown = rows.handled_by(request.user.pk) if mine else rows
    context = {"list": flow_list(request, shown, request.actor), "mine": mine}
    return render(request, "supervision/seller_list.html", context)


@require_safe
@seller_required
def detail(request: SellerRequest, number: str) -> HttpResponse:
    """`/seller/supervision/<order>/`."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_seller(request.seller), number)
    return pages.details(request, flow, request.actor, "supervision/seller_detail.html")


@sensitive_post_parameters("application_password", "license_key")
@require_http_methods(["GET", "HEAD", "POST"])
@seller_required
def act(request: SellerRequest, number: str, path: str) -> HttpResponse:
    """`/seller/supervision/<order>/<act>/`: confirm, reject-request, deliver, appeal."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_seller(request.seller), number)
    back = reverse("supervision:seller_detail", args=[number])
    return pages.act_page(request, flow, path, request.actor, template="supervision/seller_act.html", back=back)


@require_safe
@seller_required
def attachment(request: SellerRequest, number: str, key: str) -> HttpResponseBase:
    """A file of the flow, as a download."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_seller(request.seller), number)
    return pages.attachment_file(flow, key)


@require_safe
@seller_required
def records(request: SellerRequest, number: str) -> HttpResponseBase:
    """Operation Records as CSV."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_seller(request.seller), number)
    return pages.records_csv(flow, Party.SELLER)


@require_http_methods(["GET", "HEAD", "POST"])
@seller_required
def messages(request: SellerRequest, number: str) -> HttpResponse:
    """`/seller/supervision/<order>/messages/`: "Ask customer", and what both sides wrote."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_seller(request.seller), number)
    back = reverse("supervision:seller_detail", args=[number])
    return pages.messages_page(request, flow, request.actor, template="supervision/seller_messages.html", back=back)


@require_safe
@seller_required
def records_pdf(request: SellerRequest, number: str) -> HttpResponseBase:
    """Operation Records as PDF."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_seller(request.seller), number)
    return pages.records_pdf(flow, Party.SELLER)


@require_safe
@seller_required
def case(request: SellerRequest, number: str) -> HttpResponseBase:
    """Everything of the flow that this side may see, as one zip."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_seller(request.seller), number)
    return pages.case_zip(flow, Party.SELLER)
