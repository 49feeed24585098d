"""My KooGallery > Service Supervision (guide, chapter 4)."""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actor import Party
from accounts.permissions import Permission
from accounts.web import BuyerRequest, buyer_required
from supervision.models import ServiceFlow
from supervision.views import pages
from supervision.views.lists import flow_list


@require_safe
@buyer_required()
def supervision_list(request: BuyerRequest) -> HttpResponse:
    """`/my/supervision/`."""
    rows = ServiceFlow.objects.for_account(request.account)
    return render(request, "supervision/list.html", {"list": flow_list(request, rows, request.actor)})


@require_safe
@buyer_required()
def detail(request: BuyerRequest, number: str) -> HttpResponse:
    """`/my/supervision/<order>/`."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_account(request.account), number)
    return pages.details(request, flow, request.actor, "supervision/detail.html")


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.SUPERVISE)
def act(request: BuyerRequest, number: str, path: str) -> HttpResponse:
    """`/my/supervision/<order>/<act>/`: request, accept, reject, appeal, ..."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_account(request.account), number)
    back = reverse("supervision:detail", args=[number])
    return pages.act_page(request, flow, path, request.actor, template="supervision/act.html", back=back)


@require_safe
@buyer_required()
def attachment(request: BuyerRequest, number: str, key: str) -> HttpResponseBase:
    """A file of the flow, as a download."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_account(request.account), number)
    return pages.attachment_file(flow, key)


@require_safe
@buyer_required()
def records(request: BuyerRequest, number: str) -> HttpResponseBase:
    """Operation Records as CSV."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_account(request.account), number)
    return pages.records_csv(flow, Party.BUYER)
