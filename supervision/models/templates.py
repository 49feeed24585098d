"""Flow templates: what a flow type asks for, by version."""

from typing import TYPE_CHECKING

from django.db import models

from catalog.choices import FlowType
from koogallery.kernel import clock
from supervision.choices import AttachmentRule

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class FlowTemplate(models.Model):
    """The parameters of one flow type. A change is a new version; a flow keeps the version it was opened under."""

    flow_type = models.CharField(max_length=16, choices=FlowType.choices)
    version = models.PositiveIntegerField()
    request_attachment = models.CharField(
        max_length=12, choices=AttachmentRule.choices, default=AttachmentRule.OPTIONAL
    )
    drafts = models.BooleanField(default=False, help_text="The seller shows a draft before he delivers.")
    appeal_on_acceptance_after = models.PositiveSmallIntegerField(
        default=3, help_text="Rejections by the customer after which the acceptance page offers the appeal (guide 4.1)"
    )
    appeal_after = models.PositiveSmallIntegerField(default=3, help_text="Rejections by either side, anywhere")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta(TypedModelMeta):
        ordering = ["flow_type", "-version"]
        constraints = [models.UniqueConstraint(fields=["flow_type", "version"], name="one_template_per_version")]

    def __str__(self) -> str:
        return f"{self.get_flow_type_display()} {self.version}"

    @classmethod
    def in_force(cls, flow_type: str) -> "FlowTemplate":
        """The newest version of a flow type."""
        found = cls.objects.filter(flow_type=flow_type).order_by("-version").first()
        assert found is not None, f"migrations make a first template of every flow type, also {flow_type}"
        return found
