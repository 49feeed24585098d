"""Operations staff's screens of service flows: queues, records to look at, and the verbs that are theirs."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from koogallery.kernel.admin import ReadOnlyAdmin
from koogallery.kernel.web.admin_site import Queue, register_queue
from orders.admin import ReadOnlyInline
from supervision import services
from supervision.choices import FlowStatus
from supervision.models import Appeal, Attachment, FlowRecord, FlowTemplate, ServiceFlow

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


@admin.register(FlowTemplate)
class FlowTemplateAdmin(ModelAdmin):
    """Parameters of each flow type. A row is never changed: a new one is the next version, for orders from then on."""

    list_display = [
        "flow_type",
        "version",
        "request_form",
        "request_attachment",
        "platform_review",
        "drafts",
        "confirm_hours",
        "deliver_hours",
        "answer_hours",
        "accept_days",
        "next_version",
    ]
    list_filter = ["flow_type"]
    exclude = ["version"]

    @admin.display(description="Change")
    def next_version(self, template: FlowTemplate) -> SafeString:
        """A link to the form that begins with this version's values."""
        page = f"{reverse('admin:supervision_flowtemplate_add')}?version={template.pk}"
        return format_html('<a href="{}">Make a new version</a>', page)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        given = request.GET.get("version", "")
        if not (given.isascii() and given.isdigit() and len(given) < 10):
            return {}
        shown = FlowTemplate.objects.filter(pk=given).first()
        return forms.model_to_dict(shown, exclude=["id", "version"]) if shown else {}

    def save_model(self, request: HttpRequest, obj: FlowTemplate, form: Any, change: bool) -> None:
        services.publish_template(obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RecordInline(ReadOnlyInline):
    model = FlowRecord
    fields = ["at", "action", "party", "by", "from_status", "to_status", "note", "address"]


class AttachmentInline(ReadOnlyInline):
    model = Attachment
    fields = ["name", "size", "purpose", "content_type", "sha256"]


class AppealInline(ReadOnlyInline):
    model = Appeal


class WaitsForUs(admin.SimpleListFilter):
    """The two queues."""

    title = "queue"
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(FlowStatus.UNDER_APPEAL, "Appeals"), (FlowStatus.PLATFORM_REVIEW, "Service reviews")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(status=self.value()).order_by("waiting_since") if self.value() else queryset


@admin.register(ServiceFlow)
class ServiceFlowAdmin(ReadOnlyAdmin):
    """Every flow with its records; the buttons call the same services as the portals."""

    list_display = ["order", "account", "seller", "flow_type", "status", "waiting_on", "waiting_since", "our_turn"]
    list_filter = [WaitsForUs, "status", "flow_type"]
    list_select_related = ["order", "account", "seller"]
    search_fields = ["order__number", "account__name", "seller__name"]
    inlines = [RecordInline, AppealInline, AttachmentInline]
    readonly_fields = ["our_turn"]
    show_full_result_count = False

    @admin.display(description="Our turn")
    def our_turn(self, flow: ServiceFlow) -> SafeString | str:
        """A link to the page where operations act."""
        if flow.status not in (FlowStatus.UNDER_APPEAL, FlowStatus.PLATFORM_REVIEW):
            return "—"
        label = "Decide the appeal" if flow.is_frozen else "Review the delivery"
        url = reverse("admin:supervision_serviceflow_act", args=[flow.pk])
        return format_html('<a href="{}">{}</a>', url, label)

    def get_urls(self) -> list[URLPattern]:
        act = path("<int:pk>/act/", self.admin_site.admin_view(self.act), name="supervision_serviceflow_act")
        return [act, *super().get_urls()]

    def act(self, request: HttpRequest, pk: int) -> HttpResponse:
        """To the screen on which operations act: the appeal's or the review's."""
        flow = get_object_or_404(ServiceFlow, pk=pk)
        if not self.has_view_permission(request, flow):
            return redirect("admin:index")
        if (case := services.open_case(flow)) is not None:
            return redirect("admin:supervision_appeal_case", case.pk)
        return redirect("admin:supervision_platformreview_review", pk)


@admin.register(FlowRecord)
class FlowRecordAdmin(ReadOnlyAdmin):
    """Operation records, which nobody can change."""

    list_display = ["at", "flow", "action", "party", "by", "from_status", "to_status"]
    list_filter = ["action", "party"]
    search_fields = ["flow__order__number", "by"]
    list_select_related = ["flow"]
    show_full_result_count = False


# Registers the screens of deliveries and appeals; they stand in modules of their own.
from supervision import admin_appeals, admin_delivery  # noqa: E402, F401

for _status, _title in ((FlowStatus.UNDER_APPEAL, "Appeals"), (FlowStatus.PLATFORM_REVIEW, "Service reviews")):
    register_queue(
        Queue(
            _title,
            lambda status=_status: ServiceFlow.objects.filter(status=status),  # type: ignore[misc]
            since="waiting_since",
            query=f"?queue={_status.value}",
        )
    )
