"""A bank's page can have an address of any length. No row is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_adjustments_and_payouts")]

    operations = [migrations.AlterField("payment", "action_url", models.TextField(blank=True))]
