"""A bank's page can have an address of any length. No row is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_card_expiry_notice")]

    operations = [migrations.AlterField("payment", "action_url", models.TextField(blank=True))]
