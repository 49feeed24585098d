"""A draft keeps what was chosen for the servers of an image."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0042_subscription_terms'),
    ]

    operations = [
        migrations.AddField(
            model_name='purchasedraft',
            name='deployment',
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
    ]
