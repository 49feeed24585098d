"""What a delivery must show, by product and version; read-only once written, and watched: product pages print it."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import koogallery.kernel.clock
from catalog.feed import WatchTable
from koogallery.kernel.db import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("catalog", "0009_upgrade_rule")]

    operations = [
        migrations.CreateModel(
            name="AcceptanceCriteria",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                (
                    "lines",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300), blank=True, default=list, size=20
                    ),
                ),
                ("created_at", models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="criteria_versions",
                        to="catalog.product",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "acceptance criteria",
                "ordering": ["product", "-version"],
                "constraints": [
                    models.UniqueConstraint(fields=("product", "version"), name="one_criteria_per_version")
                ],
            },
        ),
        AppendOnly("AcceptanceCriteria"),
        WatchTable("catalog_acceptancecriteria", "SELECT DISTINCT product_id FROM changed"),
    ]
