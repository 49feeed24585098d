"""My KooGallery > Service Supervision (guide, chapter 4)."""

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actor import Party
from accounts.permissions import Permission
from accounts.revealing import RevealPage, Shown, reveal
from accounts.web import BuyerRequest, buyer_required
from koogallery.kernel.web.parts import Link
from supervision import services
from supervision.evidence import evidence_of
from supervision.models import RequirementTemplate, ServiceFlow
from supervision.views import pages
from supervision.views.lists import flow_list

RECORDED = gettext_lazy(
    "It is shown once on the next page. Who has seen it, and when, stands in the operation records, which the seller "
    "reads too."
)


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


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required()
def messages(request: BuyerRequest, number: str) -> HttpResponse:
    """`/my/supervision/<order>/messages/`: what both sides wrote; who may act on the flow may write."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_account(request.account), number)
    back = reverse("supervision:detail", args=[number])
    return pages.messages_page(request, flow, request.actor, template="supervision/messages.html", back=back)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.REVEAL)
def license_key(request: BuyerRequest, number: str, round: int) -> HttpResponse:
    """`/my/supervision/<order>/key/<round>/`: the key of a round, once the delivery has reached him."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_account(request.account), number)
    delivery = next((one for one in evidence_of(flow, Party.BUYER).rounds if one.number == round), None)
    if delivery is None or not delivery.key_url:
        raise Http404

    def show() -> list[Shown]:
        return [Shown(_("License key"), services.reveal_license_key(flow, round=round, by=request.actor))]

    return reveal(request, _reveal_page(flow, _("License key")), show)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.REVEAL)
def application(request: BuyerRequest, number: str) -> HttpResponse:
    """`/my/supervision/<order>/application/`: the password of the application, once the delivery has reached him."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_account(request.account), number)
    block = pages.application_block(flow, request.actor)
    if block is None or block.information is None:
        raise Http404

    def show() -> list[Shown]:
        found = services.reveal_application(flow, by=request.actor)
        return pages.shown_credentials(found)

    return reveal(request, _reveal_page(flow, _("Password")), show)


def _reveal_page(flow: ServiceFlow, title: str) -> RevealPage:
    back = flow.get_absolute_url()
    crumbs = [Link(_("Service Supervision"), reverse("supervision:list")), Link(flow.order.number, back)]
    return RevealPage(title, flow.order.product.name, RECORDED, back, crumbs)


@require_safe
@buyer_required()
def requirement_template(request: BuyerRequest, number: str, key: str) -> HttpResponseBase:
    """The seller's file to fill in for the request, for those who bought the product."""
    flow = get_object_or_404(ServiceFlow.objects.for_account(request.account), order__number=number)
    return pages.download(get_object_or_404(RequirementTemplate, product=flow.order.product_id, public_id=key))


@require_safe
@buyer_required()
def records_pdf(request: BuyerRequest, number: str) -> HttpResponseBase:
    """Operation Records as PDF."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_account(request.account), number)
    return pages.records_pdf(flow, Party.BUYER)


@require_safe
@buyer_required()
def case(request: BuyerRequest, number: str) -> HttpResponseBase:
    """Everything of the flow that this side may see, as one zip."""
    flow = pages.flow_or_404(ServiceFlow.objects.for_account(request.account), number)
    return pages.case_zip(flow, Party.BUYER)
