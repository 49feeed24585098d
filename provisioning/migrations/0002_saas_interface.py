"""Production interfaces, keys, instances and calls; tries and debugging runs never change."""

import django.db.models.deletion
import koogallery.kernel.fields
import koogallery.kernel.clock
import koogallery.kernel.ids
import koogallery.kernel.secrets
from django.conf import settings
from django.db import migrations, models

from koogallery.kernel.db import AppendOnly


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0060_appeals_filed_for_us'),
        ('catalog', '0010_acceptance_criteria'),
        ('orders', '0040_tended_tables'),
        ('provisioning', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Call',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=koogallery.kernel.ids.public_id, editable=False, max_length=16, unique=True)),
                ('activity', models.CharField(choices=[('create', 'Create an instance'), ('query', 'Query an instance'), ('refresh', 'Renew an instance'), ('freeze', 'Freeze an instance'), ('unfreeze', 'Unfreeze an instance'), ('upgrade', 'Upgrade an instance'), ('release', 'Release an instance')], max_length=12)),
                ('business_id', models.CharField(default=koogallery.kernel.ids.public_id, editable=False, max_length=64, unique=True)),
                ('scene', models.CharField(blank=True, choices=[('TRIAL_TO_FORMAL', 'Trial To Formal'), ('RENEWAL', 'Renewal'), ('UNSUBSCRIBE_RENEWAL_PERIOD', 'Unsubscribe Renewal Period'), ('RENEWAL_CHANGE', 'Renewal Change')], max_length=32)),
                ('expires_at', models.DateTimeField(editable=False, null=True)),
                ('ended_early', models.BooleanField(default=False)),
                ('status', koogallery.kernel.fields.StatusField(choices=[('waiting', 'In progress'), ('done', 'Successful'), ('failed', 'Failed'), ('cancelled', 'No longer needed')], default='waiting', editable=False, max_length=50)),
                ('tries', models.PositiveIntegerField(default=0)),
                ('refused_keys', models.PositiveIntegerField(default=0)),
                ('code', models.CharField(blank=True, max_length=6)),
                ('error', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
                ('next_try_at', models.DateTimeField(editable=False, null=True)),
                ('give_up_at', models.DateTimeField(editable=False)),
                ('ended_at', models.DateTimeField(editable=False, null=True)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.order')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.product')),
                ('seller', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.seller')),
            ],
        ),
        migrations.CreateModel(
            name='Exchange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=koogallery.kernel.clock.machine_now)),
                ('request', models.TextField()),
                ('status', models.PositiveSmallIntegerField(null=True)),
                ('answer', models.TextField(blank=True)),
                ('fault', models.TextField(blank=True)),
                ('milliseconds', models.PositiveIntegerField(default=0)),
                ('call', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='exchanges', to='provisioning.call')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Instance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('instance_id', models.CharField(blank=True, max_length=64)),
                ('status', koogallery.kernel.fields.StatusField(choices=[('creating', 'Being created'), ('ready', 'Ready'), ('failed', 'Not created'), ('released', 'Released')], default='creating', editable=False, max_length=50)),
                ('told_expires_at', models.DateTimeField(editable=False, null=True)),
                ('created_at', models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
                ('ready_at', models.DateTimeField(editable=False, null=True)),
                ('ended_at', models.DateTimeField(editable=False, null=True)),
                ('seller', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.seller')),
                ('subscription', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='instance', to='orders.subscription')),
            ],
        ),
        migrations.AddField(
            model_name='call',
            name='instance',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='calls', to='provisioning.instance'),
        ),
        migrations.CreateModel(
            name='ProductInterface',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(choices=[('v1', 'V1.0 (signed GET)'), ('v2', 'V2.0 (signed JSON POST)')], default='v2', max_length=2)),
                ('url', models.CharField(max_length=500)),
                ('urls', models.JSONField(blank=True, default=dict)),
                ('changed_at', models.DateTimeField(default=koogallery.kernel.clock.now)),
                ('delisted_at', models.DateTimeField(blank=True, null=True)),
                ('was_public', models.BooleanField(default=True)),
                ('counted_from', models.DateTimeField(blank=True, null=True)),
                ('product', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='production_interface', to='catalog.product')),
            ],
        ),
        migrations.CreateModel(
            name='SellerLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('failures', models.PositiveIntegerField(default=0)),
                ('rests_until', models.DateTimeField(null=True)),
                ('seller', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.seller')),
            ],
        ),
        migrations.CreateModel(
            name='AccessKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=koogallery.kernel.ids.public_id, editable=False, max_length=16, unique=True)),
                ('secret', koogallery.kernel.secrets.EncryptedTextField()),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('created_at', models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
                ('revoked_at', models.DateTimeField(editable=False, null=True)),
                ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('seller', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='access_keys', to='accounts.seller')),
            ],
            options={
                'indexes': [models.Index(models.F('seller'), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('revoked_at', None)), name='access_key_valid')],
            },
        ),
        migrations.CreateModel(
            name='DebugRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(choices=[('v1', 'V1.0 (signed GET)'), ('v2', 'V2.0 (signed JSON POST)')], max_length=2)),
                ('activity', models.CharField(choices=[('create', 'Create an instance'), ('query', 'Query an instance'), ('refresh', 'Renew an instance'), ('freeze', 'Freeze an instance'), ('unfreeze', 'Unfreeze an instance'), ('upgrade', 'Upgrade an instance'), ('release', 'Release an instance')], max_length=12)),
                ('charging', models.CharField(max_length=12)),
                ('passed', models.BooleanField()),
                ('request', models.TextField()),
                ('answer', models.TextField(blank=True)),
                ('faults', models.TextField(blank=True)),
                ('instance_id', models.CharField(blank=True, max_length=64)),
                ('at', models.DateTimeField(default=koogallery.kernel.clock.now)),
                ('by', models.CharField(max_length=200)),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.product')),
            ],
            options={
                'indexes': [models.Index(models.F('product'), models.OrderBy(models.F('id'), descending=True), name='debug_run_newest')],
            },
        ),
        migrations.AddConstraint(
            model_name='instance',
            constraint=models.UniqueConstraint(condition=models.Q(('instance_id', ''), _negated=True), fields=('seller', 'instance_id'), name='one_app_per_instance_id'),
        ),
        migrations.AddConstraint(
            model_name='instance',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'ready'), _negated=True), models.Q(('instance_id', ''), _negated=True), _connector='OR'), name='ready_instances_have_a_name'),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(models.F('next_try_at'), models.F('id'), condition=models.Q(('next_try_at__isnull', False), ('status', 'waiting')), name='call_next_try'),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(models.F('give_up_at'), models.F('id'), condition=models.Q(('status', 'waiting')), name='call_give_up'),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(models.F('seller'), models.OrderBy(models.F('created_at'), descending=True), models.OrderBy(models.F('id'), descending=True), name='call_seller_newest'),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(models.F('instance'), models.F('id'), condition=models.Q(('status', 'waiting')), name='call_of_instance'),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(models.F('product'), models.F('ended_at'), condition=models.Q(('status', 'failed')), name='call_failed'),
        ),
        AppendOnly("Exchange"),
        AppendOnly("DebugRun"),
    ]
