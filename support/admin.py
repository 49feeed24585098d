"""Operations' queue of requirements, and what sellers were asked."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from accounts.web import operator_actor
from koogallery.kernel.errors import DomainError
from koogallery.kernel.web.admin_site import Queue, register_queue
from support.models import Requirement, RequirementStatus, SalesEnquiry
from support.services import answer_requirement, close_requirement
from support.tickets import admin as _of_tickets  # noqa: F401  (registers)

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


@admin.register(Requirement)
class RequirementAdmin(ModelAdmin):
    """What visitors need and did not find, oldest unanswered first. The status moves by the actions."""

    list_display = ["reference", "company", "contact", "email", "searched", "status", "created_at"]
    list_filter = ["status", "created_at"]
    search_fields = ["reference", "company", "email", "requirements"]
    ordering = ["-status", "created_at"]
    actions = ["answer", "close"]
    readonly_fields = [
        "reference", "requirements", "company", "contact", "phone", "email", "searched", "account", "user", "status",
        "created_at",
    ]  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="Mark as answered")
    def answer(self, request: HttpRequest, queryset: QuerySet[Requirement]) -> None:
        self._each(request, queryset, answer_requirement)

    @admin.action(description="Close")
    def close(self, request: HttpRequest, queryset: QuerySet[Requirement]) -> None:
        self._each(request, queryset, close_requirement)

    def _each(self, request: HttpRequest, queryset: QuerySet[Requirement], verb: Any) -> None:
        by = operator_actor(cast(User, request.user))
        for requirement in queryset:
            try:
                moved = verb(requirement, by=by)
            except DomainError as refused:
                self.message_user(request, f"{requirement}: {refused.message}", messages.ERROR)
            else:
                self.message_user(request, f"{moved} is {moved.get_status_display().lower()}.", messages.SUCCESS)


@admin.register(SalesEnquiry)
class SalesEnquiryAdmin(ModelAdmin):
    """What sellers were asked, for disputes: read only."""

    list_display = ["reference", "product", "seller", "company", "email", "created_at"]
    list_select_related = ["product", "seller"]
    search_fields = ["reference", "company", "email", "product__name"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


register_queue(
    Queue(
        "Requirements",
        lambda: Requirement.objects.filter(status=RequirementStatus.NEW),
        since="created_at",
        query="?status__exact=new",
    )
)
