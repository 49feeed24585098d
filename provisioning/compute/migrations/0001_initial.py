"""Networks, deployments and servers; what we have at the provider; the simulated cloud. Records never change."""

import django.db.models.deletion
import koogallery.kernel.fields
import koogallery.kernel.clock
import koogallery.kernel.ids
import koogallery.kernel.money
import koogallery.kernel.secrets
import provisioning.compute.models.resources
from django.conf import settings
from django.db import migrations, models

from koogallery.kernel.db import AppendOnly, tended


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0060_appeals_filed_for_us'),
        ('catalog', '0011_cloud'),
        ('orders', '0043_draft_deployment'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='EcsGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=koogallery.kernel.ids.public_id, editable=False, max_length=16, unique=True)),
                ('name', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='ecs_groups', to='accounts.account')),
                ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.region')),
            ],
            options={
                'verbose_name': 'ECS group',
                'ordering': ['name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='EnterpriseProject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=koogallery.kernel.ids.public_id, editable=False, max_length=16, unique=True)),
                ('name', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='enterprise_projects', to='accounts.account')),
            ],
            options={
                'ordering': ['name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='KeyPair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=koogallery.kernel.ids.public_id, editable=False, max_length=16, unique=True)),
                ('name', models.CharField(max_length=64)),
                ('public_key', models.TextField(max_length=2000)),
                ('fingerprint', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='key_pairs', to='accounts.account')),
            ],
            options={
                'ordering': ['name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Orphan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('network', 'Network'), ('firewall', 'Security group'), ('key_pair', 'Key pair'), ('group', 'ECS group'), ('volume', 'Disk'), ('server', 'Server'), ('address', 'EIP')], max_length=12)),
                ('token', models.CharField(max_length=40)),
                ('ref', models.CharField(max_length=80)),
                ('found_at', models.DateTimeField()),
                ('deleted_at', models.DateTimeField(null=True)),
                ('error', models.CharField(blank=True, max_length=300)),
                ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.region')),
            ],
            options={
                'ordering': [models.OrderBy(models.F('found_at'), descending=True)],
            },
        ),
        migrations.CreateModel(
            name='Reconciliation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_at', models.DateTimeField(db_index=True)),
                ('last_at', models.DateTimeField(null=True)),
                ('seen', models.PositiveIntegerField(default=0)),
                ('region', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='reconciliation', to='catalog.region')),
            ],
        ),
        migrations.CreateModel(
            name='SecurityGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=koogallery.kernel.ids.public_id, editable=False, max_length=16, unique=True)),
                ('name', models.CharField(max_length=64)),
                ('rules', models.JSONField(default=list)),
                ('changed_at', models.DateTimeField(editable=False, null=True)),
                ('created_at', models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='security_groups', to='accounts.account')),
                ('recommended_for', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.product')),
                ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.region')),
            ],
            options={
                'ordering': ['name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Deployment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', koogallery.kernel.fields.StatusField(choices=[('waiting', 'Waiting for payment'), ('building', 'Creating'), ('delivered', 'Created'), ('withdrawn', 'Withdrawn')], default='waiting', editable=False, max_length=50)),
                ('billing_mode', models.CharField(choices=[('yearly', 'Yearly'), ('monthly', 'Monthly'), ('pay_per_use', 'Pay-per-use'), ('one_time', 'One-time')], max_length=16)),
                ('quantity', models.PositiveSmallIntegerField()),
                ('zone', models.CharField(blank=True, max_length=20)),
                ('system_disk_type', models.CharField(choices=[('common_io', 'Common I/O'), ('high_io', 'High I/O'), ('ultra_high_io', 'Ultra-high I/O')], max_length=20)),
                ('system_disk_gb', models.PositiveIntegerField()),
                ('data_disks', models.JSONField(default=list)),
                ('bandwidth', models.PositiveIntegerField(default=0, help_text='Mbit/s of an EIP; 0: none')),
                ('name', models.CharField(max_length=64)),
                ('login_mode', models.CharField(choices=[('password', 'Password'), ('key_pair', 'Key pair')], max_length=12)),
                ('password', koogallery.kernel.secrets.EncryptedTextField(editable=False, null=True)),
                ('auto_recovery', models.BooleanField(default=True)),
                ('currency', koogallery.kernel.money.CurrencyField(default='USD', max_length=3)),
                ('software_unit_price', koogallery.kernel.money.UnitPriceField(decimal_places=8, max_digits=18)),
                ('server_unit_price', koogallery.kernel.money.UnitPriceField(decimal_places=8, max_digits=18)),
                ('next_step_at', models.DateTimeField(editable=False, null=True)),
                ('tries', models.PositiveIntegerField(default=0, editable=False)),
                ('started_at', models.DateTimeField(editable=False, null=True)),
                ('created_at', models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deployments', to='accounts.account')),
                ('flavor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.flavor')),
                ('image', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.imageversion')),
                ('order', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='deployment', to='orders.order')),
                ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.region')),
                ('ecs_group', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compute.ecsgroup')),
                ('enterprise_project', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compute.enterpriseproject')),
                ('key_pair', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compute.keypair')),
                ('security_group', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deployments', to='compute.securitygroup')),
            ],
        ),
        migrations.CreateModel(
            name='Server',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=koogallery.kernel.ids.public_id, editable=False, max_length=16, unique=True)),
                ('number', models.PositiveSmallIntegerField()),
                ('name', models.CharField(max_length=70)),
                ('status', koogallery.kernel.fields.StatusField(choices=[('building', 'Creating'), ('running', 'Running'), ('stopping', 'Stopping'), ('stopped', 'Stopped'), ('starting', 'Starting'), ('rebooting', 'Restarting'), ('deleting', 'Deleting'), ('deleted', 'Deleted')], default='building', editable=False, max_length=50)),
                ('zone', models.CharField(blank=True, max_length=20)),
                ('private_ip', models.GenericIPAddressField(null=True)),
                ('public_ip', models.GenericIPAddressField(null=True)),
                ('attempt', models.PositiveSmallIntegerField(default=1, editable=False)),
                ('tries', models.PositiveIntegerField(default=0, editable=False)),
                ('fault', models.CharField(blank=True, editable=False, max_length=300)),
                ('next_step_at', models.DateTimeField(editable=False, null=True)),
                ('frozen_at', models.DateTimeField(editable=False, null=True)),
                ('created_at', models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
                ('built_at', models.DateTimeField(editable=False, null=True)),
                ('deleted_at', models.DateTimeField(editable=False, null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='servers', to='accounts.account')),
                ('deployment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='servers', to='compute.deployment')),
                ('image_subscription', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='image_server', to='orders.subscription')),
                ('subscription', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='server', to='orders.subscription')),
            ],
        ),
        migrations.CreateModel(
            name='ServerQuota',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('servers', models.PositiveIntegerField()),
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='server_quota', to='accounts.account')),
            ],
        ),
        migrations.CreateModel(
            name='ServerRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('text', models.CharField(max_length=200)),
                ('by', models.CharField(max_length=200)),
                ('server', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='records', to='compute.server')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ServerRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('started_at', models.DateTimeField()),
                ('stopped_at', models.DateTimeField(null=True)),
                ('server', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='compute.server')),
            ],
            options={
                'ordering': ['started_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='SimulatedResource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region', models.CharField(max_length=40)),
                ('kind', models.CharField(max_length=12)),
                ('name', models.CharField(max_length=40)),
                ('ref', models.CharField(max_length=40, unique=True)),
                ('state', models.CharField(max_length=12)),
                ('flavor', models.CharField(blank=True, max_length=40)),
                ('facts', models.JSONField(default=dict)),
                ('address', models.GenericIPAddressField(null=True)),
                ('created_at', models.DateTimeField()),
                ('ready_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['region', 'kind', 'name'], name='simulated_by_name')],
            },
        ),
        migrations.CreateModel(
            name='SimulatedStock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region', models.CharField(max_length=40)),
                ('what', models.CharField(max_length=40)),
                ('left', models.PositiveIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('region', 'what'), name='simulated_stock_once')],
            },
        ),
        migrations.CreateModel(
            name='Subnet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=koogallery.kernel.ids.public_id, editable=False, max_length=16, unique=True)),
                ('name', models.CharField(max_length=64)),
                ('cidr', models.CharField(max_length=18)),
                ('created_at', models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='subnets', to='accounts.account')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='deployment',
            name='subnet',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deployments', to='compute.subnet'),
        ),
        migrations.CreateModel(
            name='CloudResource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token', models.CharField(default=provisioning.compute.models.resources._token, editable=False, max_length=40, unique=True)),
                ('kind', models.CharField(choices=[('network', 'Network'), ('firewall', 'Security group'), ('key_pair', 'Key pair'), ('group', 'ECS group'), ('volume', 'Disk'), ('server', 'Server'), ('address', 'EIP')], max_length=12)),
                ('status', koogallery.kernel.fields.StatusField(choices=[('wanted', 'To be made'), ('made', 'Made'), ('unwanted', 'To be deleted'), ('gone', 'Deleted')], default='wanted', editable=False, max_length=50)),
                ('ref', models.CharField(blank=True, max_length=80)),
                ('is_ready', models.BooleanField(default=False)),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
                ('gone_at', models.DateTimeField(editable=False, null=True)),
                ('delete_at', models.DateTimeField(editable=False, null=True)),
                ('tries', models.PositiveIntegerField(default=0, editable=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.account')),
                ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.region')),
                ('ecs_group', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='resources', to='compute.ecsgroup')),
                ('key_pair', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='resources', to='compute.keypair')),
                ('security_group', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='resources', to='compute.securitygroup')),
                ('server', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='resources', to='compute.server')),
                ('subnet', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='resources', to='compute.subnet')),
            ],
        ),
        migrations.CreateModel(
            name='Vpc',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=koogallery.kernel.ids.public_id, editable=False, max_length=16, unique=True)),
                ('name', models.CharField(max_length=64)),
                ('cidr', models.CharField(max_length=18)),
                ('is_default', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='vpcs', to='accounts.account')),
                ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.region')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='subnet',
            name='vpc',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='subnets', to='compute.vpc'),
        ),
        migrations.AddConstraint(
            model_name='ecsgroup',
            constraint=models.UniqueConstraint(fields=('account', 'region', 'name'), name='one_ecs_group_per_name'),
        ),
        migrations.AddConstraint(
            model_name='enterpriseproject',
            constraint=models.UniqueConstraint(fields=('account', 'name'), name='one_enterprise_project_per_name'),
        ),
        migrations.AddConstraint(
            model_name='keypair',
            constraint=models.UniqueConstraint(fields=('account', 'name'), name='one_key_pair_per_name'),
        ),
        migrations.AddConstraint(
            model_name='orphan',
            constraint=models.UniqueConstraint(fields=('region', 'kind', 'ref'), name='orphan_once'),
        ),
        migrations.AddIndex(
            model_name='securitygroup',
            index=models.Index(models.F('changed_at'), models.F('id'), condition=models.Q(('changed_at__isnull', False)), name='compute_group_changed'),
        ),
        migrations.AddConstraint(
            model_name='securitygroup',
            constraint=models.UniqueConstraint(fields=('account', 'region', 'name'), name='one_security_group_per_name'),
        ),
        migrations.AddIndex(
            model_name='server',
            index=models.Index(models.F('account'), models.OrderBy(models.F('created_at'), descending=True), models.OrderBy(models.F('id'), descending=True), name='compute_server_newest'),
        ),
        migrations.AddIndex(
            model_name='server',
            index=models.Index(models.F('next_step_at'), models.F('id'), condition=models.Q(('next_step_at__isnull', False)), name='compute_server_due'),
        ),
        migrations.AddConstraint(
            model_name='server',
            constraint=models.UniqueConstraint(fields=('deployment', 'number'), name='one_server_per_number'),
        ),
        migrations.AddConstraint(
            model_name='server',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'deleted'), _negated=True), ('deleted_at__isnull', False), _connector='OR'), name='deleted_servers_know_when'),
        ),
        migrations.AddConstraint(
            model_name='serverrun',
            constraint=models.UniqueConstraint(condition=models.Q(('stopped_at', None)), fields=('server',), name='one_open_run_per_server'),
        ),
        migrations.AddConstraint(
            model_name='serverrun',
            constraint=models.CheckConstraint(condition=models.Q(('stopped_at', None), ('stopped_at__gte', models.F('started_at')), _connector='OR'), name='runs_end_after_they_begin'),
        ),
        migrations.AddIndex(
            model_name='deployment',
            index=models.Index(models.F('next_step_at'), models.F('id'), condition=models.Q(('next_step_at__isnull', False)), name='compute_deployment_due'),
        ),
        migrations.AddConstraint(
            model_name='deployment',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['waiting', 'building']), ('password__isnull', True), _connector='OR'), name='finished_deployments_keep_no_password'),
        ),
        migrations.AddIndex(
            model_name='cloudresource',
            index=models.Index(models.F('delete_at'), models.F('id'), condition=models.Q(('delete_at__isnull', False)), name='compute_resource_due'),
        ),
        migrations.AddConstraint(
            model_name='cloudresource',
            constraint=models.UniqueConstraint(condition=models.Q(('server__isnull', False), ('status__in', ['wanted', 'made'])), fields=('server', 'kind', 'position'), name='one_usable_resource_per_server'),
        ),
        migrations.AddConstraint(
            model_name='cloudresource',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['wanted', 'made']), ('subnet__isnull', False)), fields=('subnet',), name='one_usable_network_per_subnet'),
        ),
        migrations.AddConstraint(
            model_name='cloudresource',
            constraint=models.UniqueConstraint(condition=models.Q(('security_group__isnull', False), ('status__in', ['wanted', 'made'])), fields=('security_group',), name='one_usable_firewall_per_group'),
        ),
        migrations.AddConstraint(
            model_name='cloudresource',
            constraint=models.UniqueConstraint(condition=models.Q(('key_pair__isnull', False), ('status__in', ['wanted', 'made'])), fields=('key_pair', 'region'), name='one_usable_key_per_region'),
        ),
        migrations.AddConstraint(
            model_name='cloudresource',
            constraint=models.UniqueConstraint(condition=models.Q(('ecs_group__isnull', False), ('status__in', ['wanted', 'made'])), fields=('ecs_group',), name='one_usable_ecs_group'),
        ),
        migrations.AddConstraint(
            model_name='cloudresource',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'gone'), _negated=True), ('gone_at__isnull', False), _connector='OR'), name='gone_resources_know_when'),
        ),
        migrations.AddConstraint(
            model_name='cloudresource',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'made'), _negated=True), models.Q(('ref', ''), _negated=True), _connector='OR'), name='what_is_made_has_a_reference'),
        ),
        migrations.AddConstraint(
            model_name='vpc',
            constraint=models.UniqueConstraint(fields=('account', 'region', 'name'), name='one_vpc_per_name'),
        ),
        migrations.AddConstraint(
            model_name='vpc',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('account', 'region'), name='one_default_vpc_per_region'),
        ),
        migrations.AddConstraint(
            model_name='subnet',
            constraint=models.UniqueConstraint(fields=('vpc', 'name'), name='one_subnet_per_name'),
        ),
        AppendOnly("ServerRecord"),
        tended("compute_server", "compute_deployment", "compute_cloudresource"),
    ]
