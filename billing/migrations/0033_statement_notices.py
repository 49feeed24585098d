from django.db import migrations, models


class Migration(migrations.Migration):
    """Statements that exist announce nothing ahead; they fall overdue and freeze as before."""

    dependencies = [("billing", "0032_invoices_over_use")]

    operations = [
        migrations.AddField("statement", "notice_at", models.DateTimeField(editable=False, null=True)),
        migrations.AddIndex(
            "statement",
            models.Index(
                models.F("notice_at"),
                models.F("id"),
                condition=models.Q(("notice_at__isnull", False), ("status__in", ["open", "overdue"])),
                name="statement_notice_due",
            ),
        ),
    ]
