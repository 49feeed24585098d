"""What one event still has to send by e-mail is found without reading everybody's messages; built beside running ones."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("notifications", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            "message",
            models.Index(
                "cause", condition=models.Q(wants_email=True, emailed_at=None), name="message_to_mail"
            ),
        ),
    ]
