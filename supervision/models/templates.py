"""Flow templates: what a flow type asks for, by version."""

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import OuterRef, Q

from catalog.choices import FlowType
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, Param
from supervision.choices import AttachmentRule, ReviewRule
from supervision.graph import Graph, Parameters, graph_for

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# A deadline longer than this would come after the last day on which an appeal may be filed (365 - 15 days).
LONGEST_HOURS = 24 * 180
LONGEST_DAYS = 180
MOST_REMINDERS = 10


def default_confirm_hours() -> int:
    return int(settings.SELLER_CONFIRMS_WITHIN / HOUR)


def default_deliver_hours() -> int:
    return int(settings.SELLER_DELIVERS_WITHIN / HOUR)


def default_answer_hours() -> int:
    return int(settings.SILENCE_BEFORE_APPEAL / HOUR)


def default_statement_hours() -> int:
    return int(settings.APPEAL_STATEMENT_WITHIN / HOUR)


def default_redeliver_hours() -> int:
    return int(settings.SELLER_DELIVERS_AGAIN_WITHIN / HOUR)


def default_seller_reminder_hours() -> list[int]:
    return list(settings.SELLER_REMINDED_AFTER_HOURS)


def default_buyer_reminder_days() -> list[int]:
    return list(settings.BUYER_REMINDED_AFTER_DAYS)


def default_accept_days() -> int:
    days: int = settings.ACCEPTED_BY_SILENCE_AFTER_DAYS
    return days


def _hours(default: object, help_text: str) -> "models.PositiveSmallIntegerField[int, int]":
    bounds = [MinValueValidator(1), MaxValueValidator(LONGEST_HOURS)]
    return models.PositiveSmallIntegerField(default=default, validators=bounds, help_text=help_text)


def _times(default: object, most: int, help_text: str) -> "ArrayField[list[int], list[int]]":
    number = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(most)])
    return ArrayField(number, size=MOST_REMINDERS, default=default, blank=True, help_text=help_text)


class FlowTemplateQuerySet(models.QuerySet["FlowTemplate"]):
    def of_type(self, flow_type: str | OuterRef | Param) -> Self:
        """The versions of a flow type, newest first."""
        return self.filter(flow_type=flow_type).order_by("-version")


class FlowTemplate(models.Model):
    """The parameters of one flow type. A change is a new version; a flow keeps the version it was opened under.

    The database refuses to change a row (trigger). `supervision.graph` makes states, steps and deadlines from it.
    """

    flow_type = models.CharField(max_length=16, choices=FlowType.choices)
    version = models.PositiveIntegerField()
    request_form = models.BooleanField(
        default=True, help_text="The customer submits a request first; without it the flow begins at delivery."
    )
    request_attachment = models.CharField(
        max_length=12, choices=AttachmentRule.choices, default=AttachmentRule.OPTIONAL
    )
    platform_review = models.CharField(
        max_length=16,
        choices=ReviewRule.choices,
        default=ReviewRule.JOINT_OPERATION,
        help_text="Whether operations review a delivery before the customer sees it.",
    )
    drafts = models.BooleanField(default=False, help_text="The seller shows a draft before he delivers.")
    appeal_on_acceptance_after = models.PositiveSmallIntegerField(
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text="Rejections by the customer after which the acceptance page offers the appeal (guide 4.1)",
    )
    appeal_after = models.PositiveSmallIntegerField(
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text="Rejections by either side, anywhere",
    )
    confirm_hours = _hours(default_confirm_hours, "The seller confirms a request within; then the customer may appeal.")
    deliver_hours = _hours(default_deliver_hours, "The seller delivers within; then the customer may appeal.")
    answer_hours = _hours(default_answer_hours, "The customer acts within; then the seller may appeal.")
    seller_reminder_hours = _times(
        default_seller_reminder_hours, LONGEST_HOURS, "Hours after which the seller is reminded, such as 72, 96"
    )
    buyer_reminder_days = _times(
        default_buyer_reminder_days,
        LONGEST_DAYS,
        "Days after which the customer is reminded to accept, such as 1, 3, 5, 10",
    )
    statement_hours = _hours(
        default_statement_hours, "A side that is asked for a statement in an appeal gives it within."
    )
    redeliver_hours = _hours(
        default_redeliver_hours, "The new deadline when an appeal sends the flow back to delivery."
    )
    accept_days = models.PositiveSmallIntegerField(
        default=default_accept_days,
        validators=[MaxValueValidator(LONGEST_DAYS)],
        help_text="Days of silence after which a delivery counts as accepted; 0: never, as in the guide. "
        "Never for an empty delivery; the clock stands still while an appeal is handled.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = FlowTemplateQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["flow_type", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["flow_type", "version"], name="one_template_per_version"),
            models.CheckConstraint(
                name="deadlines_of_templates_are_at_least_an_hour",
                condition=Q(
                    confirm_hours__gte=1,
                    deliver_hours__gte=1,
                    answer_hours__gte=1,
                    statement_hours__gte=1,
                    redeliver_hours__gte=1,
                ),
                violation_error_message="A deadline is an hour or more.",
            ),
            models.CheckConstraint(
                name="drafts_follow_a_request",
                condition=Q(drafts=False) | Q(request_form=True),
                violation_error_message="A draft answers a request: switch the request form on, or drafts off.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_flow_type_display()} {self.version}"

    def clean(self) -> None:
        """What cannot be, with the field that says so.

        Raises:
            ValidationError: by field.
        """
        wrong: dict[str, str] = {}
        if self.request_form and self.flow_type == FlowType.LICENSE:
            wrong["request_form"] = "A license needs no request: switch the request form off."
        if self.drafts and not self.request_form:
            wrong["drafts"] = "A draft answers a request: switch the request form on, or drafts off."
        if not self.request_form and self.request_attachment == AttachmentRule.MANDATORY:
            wrong["request_attachment"] = "Without a request form there is nothing to attach a file to."
        for name in ("seller_reminder_hours", "buyer_reminder_days"):
            given = getattr(self, name) or []
            if any(later <= earlier for earlier, later in pairwise(given)):
                wrong[name] = "Give each time once, in ascending order, such as 72, 96."
        soonest = min(self.confirm_hours or LONGEST_HOURS, self.deliver_hours or LONGEST_HOURS)
        if "seller_reminder_hours" not in wrong and any(one >= soonest for one in self.seller_reminder_hours or []):
            wrong["seller_reminder_hours"] = f"Remind the seller before his deadline: less than {soonest} hours."
        if wrong:
            raise ValidationError(wrong)

    @classmethod
    def in_force(cls, flow_type: str) -> "FlowTemplate":
        """The newest version of a flow type."""
        found = _NEWEST.first(flow_type=flow_type)
        assert found is not None, f"migrations make a first template of every flow type, also {flow_type}"
        return found

    def reviews(self, *, joint_operation: bool) -> bool:
        """Whether operations review the deliveries of such a product."""
        if self.platform_review == ReviewRule.JOINT_OPERATION:
            return joint_operation
        return self.platform_review == ReviewRule.ALWAYS

    def graph(self, *, platform_review: bool) -> Graph:
        """States, steps and deadlines of a flow under this version."""
        return graph_for(
            Parameters(
                flow_type=FlowType(self.flow_type),
                request_form=self.request_form,
                request_attachment=AttachmentRule(self.request_attachment),
                drafts=self.drafts,
                platform_review=platform_review,
                appeal_after=self.appeal_after,
                appeal_on_acceptance_after=self.appeal_on_acceptance_after,
                confirm_within=self.confirm_hours * HOUR,
                deliver_within=self.deliver_hours * HOUR,
                answer_within=self.answer_hours * HOUR,
                statement_within=self.statement_hours * HOUR,
                redeliver_within=self.redeliver_hours * HOUR,
                seller_reminders=tuple(hours * HOUR for hours in self.seller_reminder_hours),
                buyer_reminders=tuple(days * DAY for days in self.buyer_reminder_days),
                accept_after=self.accept_days * DAY if self.accept_days else None,
            )
        )


_NEWEST = Compiled(lambda: FlowTemplate.objects.of_type(Param("flow_type"))[:1])
