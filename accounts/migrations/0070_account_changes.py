"""Who changed what the platform does for an account."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from koogallery.kernel.db import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ('accounts', '0060_appeals_filed_for_us'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccountChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('by', models.CharField(max_length=200)),
                ('role', models.CharField(blank=True, max_length=24)),
                ('what', models.CharField(max_length=80)),
                ('address', models.CharField(blank=True, max_length=45)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='accounts.account')),
                ('user', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        AppendOnly("AccountChange"),
    ]
