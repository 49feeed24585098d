"""Flows by who handles them, built beside running orders."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("supervision", "0031_delivery_append_only")]

    operations = [
        AddIndexConcurrently(
            "serviceflow",
            models.Index(fields=["handler"], condition=models.Q(handler__isnull=False), name="flow_handler"),
        ),
    ]
