"""Operations staff's screens of deliveries: the platform's review, and sellers' requirement templates."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from accounts.actor import Party
from koogallery.kernel import clock
from koogallery.kernel.admin import ReadOnlyAdmin
from koogallery.kernel.errors import DomainError
from koogallery.kernel.ids import public_id
from supervision import services
from supervision.admin_appeals import operator_of
from supervision.choices import FlowStatus
from supervision.errors import AttachmentRefused
from supervision.evidence import evidence_of, with_evidence
from supervision.files import inspected
from supervision.models import Delivery, PlatformReview, RequestRevision, RequirementTemplate, ServiceFlow
from supervision.views.pages import attachment_file, download

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TemplateFormBase = forms.ModelForm[RequirementTemplate]
else:
    ModelAdmin, TemplateFormBase = admin.ModelAdmin, forms.ModelForm


class ReviewForm(forms.Form):
    """Approve a delivery, or return it with a reason that both sides read."""

    verdict = forms.ChoiceField(choices=[("approve", "Approve"), ("return", "Return to the seller")])
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}), required=False, max_length=1000, help_text="Needed to return it."
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("verdict") == "return" and not (given.get("reason") or "").strip():
            self.add_error("reason", "Enter a reason.")
        return given


@admin.register(PlatformReview)
class PlatformReviewAdmin(ReadOnlyAdmin):
    """Deliveries of joint-operation products that wait for us, oldest first."""

    list_display = ["order", "product", "seller", "account", "waiting_since", "age", "rounds", "review"]
    list_display_links = None
    list_select_related = ["order__product", "account", "seller"]
    search_fields = ["order__number", "account__name", "seller__name"]
    ordering = ["waiting_since", "id"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).filter(status=FlowStatus.PLATFORM_REVIEW)

    @admin.display(description="Product")
    def product(self, flow: ServiceFlow) -> str:
        return flow.order.product.name

    @admin.display(description="Age")
    def age(self, flow: ServiceFlow) -> str:
        return timesince(flow.waiting_since, clock.now())

    @admin.display(description="Our turn")
    def review(self, flow: ServiceFlow) -> SafeString:
        """A link to the page where the delivery is judged."""
        url = reverse("admin:supervision_platformreview_review", args=[flow.pk])
        return format_html('<a href="{}">Review the delivery</a>', url)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/review/", view(self.review_page), name="supervision_platformreview_review"),
            path("<int:pk>/files/<str:key>/", view(self.file), name="supervision_platformreview_file"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The address that the admin's own links lead to."""
        return self.review_page(request, int(object_id) if object_id.isdigit() else 0)

    def review_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The delivery with request, files and criteria, and the verdict."""
        if not self.has_view_permission(request):
            return redirect("admin:index")
        flow = get_object_or_404(with_evidence(ServiceFlow.objects.all()), pk=pk)
        by = operator_of(request)
        form = ReviewForm(request.POST or None)
        partial = services.is_partial(flow, by.user_id)
        if request.method == "POST" and form.is_valid():
            try:
                if form.cleaned_data["verdict"] == "approve":
                    services.approve_delivery(flow, by=by)
                else:
                    services.return_delivery(flow, reason=form.cleaned_data["reason"], by=by)
            except DomainError as refused:
                form.add_error(None, refused.message)
            else:
                self.message_user(request, f"Done: {flow.order.number}.", messages.SUCCESS)
                return redirect("admin:supervision_platformreview_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": f"{flow.order.number}: {flow.state.filter_label}",
            "flow": flow,
            "waits": flow.status == FlowStatus.PLATFORM_REVIEW,
            "age": timesince(flow.waiting_since, clock.now()),
            "evidence": evidence_of(flow, Party.OPERATIONS),
            "records": flow.records.all(),
            "partial": partial,
            "form": form,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/supervision/review.html", context)

    def file(self, request: HttpRequest, pk: int, key: str) -> HttpResponseBase:
        """A file of any flow, as a download, for operators who may see reviews or appeals; not of one's own company."""
        if not (self.has_view_permission(request) or request.user.has_perm("supervision.view_appeal")):
            return redirect("admin:index")
        flow = get_object_or_404(ServiceFlow, pk=pk)
        if services.is_partial(flow, request.user.pk):
            raise Http404
        return attachment_file(flow, key)


@admin.register(RequestRevision)
class RequestRevisionAdmin(ReadOnlyAdmin):
    """Requests as they were submitted."""

    list_display = ["flow", "number", "description"]
    search_fields = ["flow__order__number"]
    list_select_related = ["flow"]
    show_full_result_count = False


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Rounds of delivery; license keys stand elsewhere, encrypted, and are shown to nobody here."""

    list_display = ["flow", "round", "note"]
    search_fields = ["flow__order__number"]
    list_select_related = ["flow"]
    show_full_result_count = False


class RequirementTemplateForm(TemplateFormBase):
    """A seller's file: checked like every attachment."""

    upload = forms.FileField(
        label="File",
        help_text="BMP, JPG, JPEG, PNG, GIF, DOC, DOCX, XLS, XLSX, PPT, PPTX, PDF, RAR or ZIP, up to 50.0 MB",
    )

    class Meta:
        model = RequirementTemplate
        fields = ["product"]

    def clean_upload(self) -> Any:
        try:
            return inspected(self.cleaned_data["upload"])
        except AttachmentRefused as refused:
            raise forms.ValidationError(refused.message) from refused


@admin.register(RequirementTemplate)
class RequirementTemplateAdmin(ModelAdmin):
    """Files that buyers fill in for their requests; uploaded here until sellers have their editor."""

    form = RequirementTemplateForm
    list_display = ["name", "product", "size", "created_at"]
    list_select_related = ["product"]
    search_fields = ["name", "product__name", "product__slug"]
    autocomplete_fields = ["product"]
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: RequirementTemplate, form: Any, change: bool) -> None:
        facts = form.cleaned_data["upload"]
        obj.name, obj.size = facts.name, facts.size
        obj.content_type, obj.sha256 = facts.content_type, facts.sha256
        obj.public_id = public_id()
        obj.file.name = default_storage.save(f"templates/{obj.public_id}", File(facts.upload))
        super().save_model(request, obj, form, change)

    def get_urls(self) -> list[URLPattern]:
        own = path("<int:pk>/file/", self.admin_site.admin_view(self.file), name="supervision_requirementtemplate_file")
        return [own, *super().get_urls()]

    def file(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The file, as a download."""
        if not self.has_view_permission(request):
            return redirect("admin:index")
        return download(get_object_or_404(RequirementTemplate, pk=pk))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Another file is another template: delete this one."""
        return False
