"""What was decided before becomes rulings. Both ways."""

from django.conf import settings
from django.db import migrations

from orders.terms import BILLING_ZONE
from supervision.rules import working_days_after


def to_cases(apps, schema_editor):
    appeal_model, ruling = apps.get_model("supervision", "Appeal"), apps.get_model("supervision", "Ruling")
    for appeal in appeal_model.objects.iterator(chunk_size=1000):
        appeal.answer_due_at = working_days_after(appeal.filed_at, settings.APPEAL_WORKING_DAYS, BILLING_ZONE)
        appeal.save(update_fields=["answer_due_at"])
        if appeal.status == "decided":
            ruling.objects.create(
                appeal=appeal,
                status="in_effect",
                decision=appeal.decision,
                reason=appeal.decision_reason,
                refund=appeal.refund,
                decided_by_id=appeal.decided_by_id,
                decided_at=appeal.ended_at,
                effective_at=appeal.ended_at,
            )


def from_cases(apps, schema_editor):
    for ruling in apps.get_model("supervision", "Ruling").objects.filter(status="in_effect").select_related("appeal"):
        appeal = ruling.appeal
        appeal.decision, appeal.decision_reason, appeal.refund = ruling.decision, ruling.reason, ruling.refund
        appeal.decided_by_id = ruling.decided_by_id
        appeal.save()


class Migration(migrations.Migration):
    dependencies = [("supervision", "0060_appeal_cases")]

    operations = [migrations.RunPython(to_cases, from_cases)]
