from datetime import timedelta

import django.contrib.postgres.fields
from django.db import migrations, models

from koogallery.kernel import clock


def the_first_day(apps, schema_editor):
    """Every following one is made by the timer."""
    until = clock.now() + timedelta(days=1)
    apps.get_model("billing", "Reconciliation").objects.create(
        since=until - timedelta(days=7), until=until, due_at=until
    )


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0030_usage_bills"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("due_at", models.DateTimeField(editable=False, null=True)),
                ("made_at", models.DateTimeField(editable=False, null=True)),
                (
                    "differences",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, editable=False, size=None
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="reconciliation",
            index=models.Index(
                models.F("due_at"),
                models.F("id"),
                condition=models.Q(("due_at__isnull", False)),
                name="reconciliation_due",
            ),
        ),
        migrations.RunPython(the_first_day, migrations.RunPython.noop),
    ]
