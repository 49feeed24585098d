"""Who had which secret shown; it never changes."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from koogallery.kernel.db import AppendOnly


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Reveal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('by', models.CharField(max_length=200)),
                ('role', models.CharField(blank=True, max_length=24)),
                ('what', models.CharField(max_length=80)),
                ('of', models.CharField(max_length=80)),
                ('at', models.DateTimeField()),
                ('address', models.CharField(blank=True, max_length=45)),
                ('account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reveals', to='accounts.account')),
                ('key', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.apikey')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(models.F('user'), models.OrderBy(models.F('at'), descending=True), name='reveal_user_newest')],
            },
        ),
        AppendOnly("Reveal"),
    ]
