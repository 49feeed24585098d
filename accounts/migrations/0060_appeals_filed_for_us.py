"""An account may have its appeals filed by the platform."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('accounts', '0050_reveals'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='appeals_filed_for_us',
            field=models.BooleanField(db_default=False, default=False, help_text='When a seller is silent for more than five days the platform files the appeal.'),
        ),
    ]
