"""Lines know what an hour of use costs."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0040_tended_tables'),
    ]

    operations = [
        migrations.AddField(
            model_name='orderline',
            name='metered',
            field=models.JSONField(blank=True, null=True),
        ),
    ]
