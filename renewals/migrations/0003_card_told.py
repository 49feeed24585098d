"""A plan remembers which ending card its account was told of, so that a change of the plan does not tell it again."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('renewals', '0002_deductions_and_notices'),
    ]

    operations = [
        migrations.AddField(
            model_name='renewalplan',
            name='card_told',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=40),
        ),
    ]
