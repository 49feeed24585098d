"""What waits for payment is found by its account: it has names and counts towards the quota. Built beside running orders."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("compute", "0003_names_come_with_the_order")]

    operations = [
        AddIndexConcurrently(
            "deployment",
            models.Index("account", condition=models.Q(status="waiting"), name="compute_deployment_waiting"),
        ),
    ]
