"""The seller's own side of his flows: several requests at once, who handles one, delivery templates (UX 3.6)."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import SellerMember
from accounts.web import SellerRequest, seller_required
from koogallery.kernel.errors import InvalidInput
from supervision import services
from supervision.choices import FlowStatus
from supervision.forms import HandlerForm, NoteTemplateForm
from supervision.models import NoteTemplate, ServiceFlow
from supervision.services.portal import MOST_AT_ONCE
from supervision.views.pages import add_refusal


@require_http_methods(["GET", "HEAD", "POST"])
@seller_required
def confirm_several(request: SellerRequest) -> HttpResponse:
    """`/seller/supervision/confirm/`: requests that wait, oldest first; those chosen are confirmed one by one."""
    rows = ServiceFlow.objects.for_seller(request.seller).with_table_columns()
    results = None
    if request.method == "POST":
        numbers = request.POST.getlist("order")[:MOST_AT_ONCE]
        # Whatever is no longer waiting is answered with its reason; what is not this seller's is not there.
        results = services.confirm_requests(list(rows.filter(order__number__in=numbers)), by=request.actor)
    waiting = rows.filter(status=FlowStatus.AWAITING_CONFIRMATION).select_related("handler__user")
    waiting = waiting.prefetch_related("requests").order_by("waiting_since", "id")[:MOST_AT_ONCE]
    flows = [(flow, services.deadlines(flow).get("appeal_opens_at"), flow.requests.all()) for flow in waiting]
    context = {"flows": flows, "results": results, "most": MOST_AT_ONCE}
    return render(request, "supervision/seller_confirm.html", context, status=422 if results == [] else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@seller_required
def handler(request: SellerRequest, number: str) -> HttpResponse:
    """`/seller/supervision/<order>/handler/`: who of the seller's people has it."""
    rows = ServiceFlow.objects.for_seller(request.seller).with_table_columns().select_related("handler")
    flow = get_object_or_404(rows, order__number=number)
    own = SellerMember.objects.filter(seller=request.seller, user=request.user).first()
    form = HandlerForm(request.seller, request.POST or None, initial={"member": flow.handler or own})
    if request.method == "POST" and form.is_valid():
        services.assign_handler(flow, member=form.cleaned_data["member"], by=request.actor)
        messages.success(request, _("Saved."))
        return redirect("supervision:seller_detail", number)
    context = {"form": form, "flow": flow, "order": flow.order, "product": flow.order.product}
    return render(request, "supervision/seller_handler.html", context, status=422 if form.errors else 200)


@require_safe
@seller_required
def templates(request: SellerRequest) -> HttpResponse:
    """`/seller/delivery-templates/`."""
    found = NoteTemplate.objects.for_seller(request.seller)
    return render(request, "supervision/note_templates.html", {"templates": found})


@require_http_methods(["GET", "HEAD", "POST"])
@seller_required
def template(request: SellerRequest, key: str = "") -> HttpResponse:
    """`/seller/delivery-templates/new/` and `/seller/delivery-templates/<key>/`."""
    kept = get_object_or_404(NoteTemplate.objects.for_seller(request.seller), public_id=key) if key else None
    form = NoteTemplateForm(request.seller, request.POST or None, template=kept)
    if request.method == "POST" and form.is_valid():
        try:
            services.save_note_template(kept, **form.cleaned_data, by=request.actor)
        except InvalidInput as refused:
            add_refusal(form, refused)
        else:
            messages.success(request, _("The delivery template was saved."))
            return redirect("supervision:templates")
    return render(
        request, "supervision/note_template.html", {"form": form, "kept": kept}, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@seller_required
def template_delete(request: SellerRequest, key: str) -> HttpResponse:
    """`/seller/delivery-templates/<key>/delete/`: asks first."""
    kept = get_object_or_404(NoteTemplate.objects.for_seller(request.seller), public_id=key)
    if request.method == "POST":
        services.delete_note_template(kept, by=request.actor)
        messages.success(request, _("The delivery template was deleted."))
        return redirect("supervision:templates")
    back = reverse("supervision:template", args=[key])
    return render(request, "supervision/note_template_delete.html", {"kept": kept, "back": back})
