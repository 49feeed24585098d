"""What operations staff see of the machine: what failed to fire, what is stuck, what is due. Nothing is edited here."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from koogallery.kernel import clock
from koogallery.kernel.delivery import retry_now
from koogallery.kernel.models import Deadline, OutboxMessage, TimerFailure
from koogallery.kernel.money import Money

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


def money_column(amount: str) -> Any:
    """A column of an amount in the row's currency, as people read it: "¥4,278 JPY"."""

    @admin.display(description=amount.replace("_", " "), ordering=amount)
    def shown(row: Any) -> str:
        return Money(getattr(row, amount), row.currency).display()

    shown.__name__ = amount
    return shown


class ReadOnlyAdmin(ModelAdmin):
    """A screen to look at. Actions that have a verb may stand on it; they need the right to change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Whether the operator may put rows in line again."""
        return super().has_change_permission(request)


class OpenFilter(admin.SimpleListFilter):
    """Open rows first: what is done is history."""

    title = _("state")
    parameter_name = "state"
    done_column = "done_at"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("done", _("Done")), ("all", _("All"))]

    def choices(self, changelist: Any) -> Any:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("Open"),
        }
        yield from list(super().choices(changelist))[1:]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(**{f"{self.done_column}__isnull": self.value() != "done"})


class ResolvedFilter(OpenFilter):
    done_column = "resolved_at"


class FiredFilter(OpenFilter):
    done_column = "fired_at"


@admin.register(TimerFailure)
class TimerFailureAdmin(ReadOnlyAdmin):
    """Due rows that could not fire."""

    list_display = ["timer", "object_id", "due_at", "tries", "last_at", "retry_at", "reason"]
    list_filter = [ResolvedFilter, "timer"]
    search_fields = ["=object_id", "lane"]
    actions = ["try_again"]
    show_full_result_count = False

    @admin.display(description=_("error"))
    def reason(self, failure: TimerFailure) -> str:
        return failure.error.partition("\n")[0][:200]

    @admin.action(description=_("Try again now"), permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[TimerFailure]) -> None:
        count = queryset.filter(resolved_at__isnull=True).update(retry_at=clock.now())
        _say_count(self, request, count)


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    """Events on their way to their subscribers."""

    list_display = ["id", "event", "subject", "subscriber", "at", "tries", "retry_at", "stuck_at", "reason"]
    list_filter = [OpenFilter, ("stuck_at", admin.EmptyFieldListFilter)]
    search_fields = ["=subject", "=subscriber"]
    actions = ["try_again"]
    show_full_result_count = False

    @admin.display(description=_("error"))
    def reason(self, message: OutboxMessage) -> str:
        return message.error.partition("\n")[0][:200]

    @admin.action(description=_("Try again now"), permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        count = retry_now(list(queryset.values_list("pk", flat=True)), at=clock.now())
        _say_count(self, request, count)


@admin.register(Deadline)
class DeadlineAdmin(ReadOnlyAdmin):
    """What becomes due for owners with many due dates."""

    list_display = ["name", "owner_type", "owner_id", "due_at", "fired_at"]
    list_filter = [FiredFilter]
    search_fields = ["=owner_id", "=name"]
    ordering = ["due_at", "id"]
    show_full_result_count = False


def _say_count(screen: ReadOnlyAdmin, request: HttpRequest, count: int) -> None:
    text = ngettext("%d row is tried again within seconds.", "%d rows are tried again within seconds.", count)
    screen.message_user(request, text % count, messages.SUCCESS if count else messages.WARNING)
