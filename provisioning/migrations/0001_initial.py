"""Application information in versions, passwords apart and encrypted. Versions and hand-overs never change."""

import django.db.models.deletion
import koogallery.kernel.secrets
from django.conf import settings
from django.db import migrations, models

from koogallery.kernel.db import AppendOnly


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('orders', '0004_previous_attributes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Application',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveSmallIntegerField()),
                ('username', models.CharField(blank=True, max_length=128)),
                ('frontend_url', models.CharField(max_length=512)),
                ('management_url', models.CharField(blank=True, max_length=512)),
                ('password_changed', models.BooleanField()),
                ('given_at', models.DateTimeField()),
                ('by', models.CharField(max_length=200)),
                ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='applications', to='orders.subscription')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['version'],
            },
        ),
        migrations.CreateModel(
            name='ApplicationPassword',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', koogallery.kernel.secrets.EncryptedTextField()),
                ('application', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='password', to='provisioning.application')),
            ],
        ),
        migrations.CreateModel(
            name='Handover',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('application', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='handover', to='provisioning.application')),
            ],
        ),
        migrations.AddConstraint(
            model_name='application',
            constraint=models.UniqueConstraint(fields=('subscription', 'version'), name='one_application_per_version'),
        ),
        migrations.AddConstraint(
            model_name='application',
            constraint=models.CheckConstraint(condition=models.Q(('version__gte', 1)), name='application_versions_from_one'),
        ),
        migrations.AddConstraint(
            model_name='application',
            constraint=models.CheckConstraint(condition=models.Q(('frontend_url__iregex', '^https?://'), models.Q(('management_url', ''), ('management_url__iregex', '^https?://'), _connector='OR')), name='application_addresses_are_of_the_web'),
        ),
        AppendOnly("Application"),
        AppendOnly("Handover"),
    ]
