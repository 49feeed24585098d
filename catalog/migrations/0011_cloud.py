"""Regions, ECS flavors and their prices, versions of images."""

import catalog.models.cloud
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import koogallery.kernel.money
from django.db import migrations, models

from catalog.feed import WatchTable


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0010_acceptance_criteria'),
    ]

    operations = [
        migrations.CreateModel(
            name='Flavor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=40, unique=True)),
                ('family', models.CharField(max_length=20)),
                ('ecs_type', models.CharField(choices=[('general_computing', 'General computing'), ('general_computing_plus', 'General computing-plus'), ('memory_optimized', 'Memory-optimized')], default='general_computing', max_length=32)),
                ('vcpus', models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(1)])),
                ('memory_gib', models.DecimalField(decimal_places=1, max_digits=8)),
                ('cpu', models.CharField(max_length=60, verbose_name='CPU')),
                ('assured_gbps', models.DecimalField(decimal_places=2, max_digits=6)),
                ('maximum_gbps', models.DecimalField(decimal_places=2, max_digits=6)),
                ('packets_per_second', models.PositiveIntegerField()),
                ('latest_generation', models.BooleanField(default=True)),
            ],
            options={
                'ordering': ['vcpus', 'memory_gib', 'code'],
            },
        ),
        migrations.CreateModel(
            name='Region',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40, unique=True)),
                ('name', models.CharField(max_length=60)),
                ('zones', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), default=list, size=None)),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('is_open', models.BooleanField(default=True, help_text='Off: nothing new is sold there.')),
            ],
            options={
                'ordering': ['position', 'name'],
            },
        ),
        migrations.CreateModel(
            name='ImageVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(max_length=20)),
                ('name', models.CharField(help_text='As the Image menu prints it', max_length=120)),
                ('platform', models.CharField(choices=[('windows', 'Windows'), ('linux', 'Linux'), ('unix', 'Unix'), ('web', 'Web'), ('ios', 'iOS'), ('android', 'Android'), ('other', 'Other')], default='linux', max_length=16)),
                ('cloud_name', models.CharField(help_text="The image's name at the compute provider", max_length=120)),
                ('disk_gb', models.PositiveSmallIntegerField(default=40, validators=[django.core.validators.MinValueValidator(40), django.core.validators.MaxValueValidator(1024)])),
                ('least_vcpus', models.PositiveSmallIntegerField(default=1)),
                ('least_memory_gib', models.DecimalField(decimal_places=1, default=1, max_digits=8)),
                ('regions', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None)),
                ('recommended_flavors', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None)),
                ('recommended_rules', models.JSONField(blank=True, default=catalog.models.cloud.no_rules)),
                ('released_at', models.DateTimeField()),
                ('removed_at', models.DateTimeField(blank=True, null=True)),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='image_versions', to='catalog.product')),
            ],
            options={
                'ordering': ['-released_at', '-id'],
                'constraints': [models.UniqueConstraint(fields=('product', 'version'), name='one_image_per_version'), models.CheckConstraint(condition=models.Q(('disk_gb__range', (40, 1024))), name='image_disks_40_to_1024_gb')],
            },
        ),
        migrations.CreateModel(
            name='FlavorOffer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', koogallery.kernel.money.CurrencyField(default='USD', max_length=3)),
                ('pay_per_use', koogallery.kernel.money.UnitPriceField(blank=True, decimal_places=8, help_text='for an hour', max_digits=18, null=True)),
                ('monthly', koogallery.kernel.money.UnitPriceField(blank=True, decimal_places=8, max_digits=18, null=True)),
                ('yearly', koogallery.kernel.money.UnitPriceField(blank=True, decimal_places=8, max_digits=18, null=True)),
                ('sold_out', models.BooleanField(default=False)),
                ('flavor', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='offers', to='catalog.flavor')),
                ('region', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='offers', to='catalog.region')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('region', 'flavor', 'currency'), name='one_offer_per_region_and_flavor'), models.CheckConstraint(condition=models.Q(models.Q(('pay_per_use', None), ('pay_per_use__gte', 0), _connector='OR'), models.Q(('monthly', None), ('monthly__gte', 0), _connector='OR'), models.Q(('yearly', None), ('yearly__gte', 0), _connector='OR')), name='flavor_prices_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='RegionRate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('common_io', 'Common I/O'), ('high_io', 'High I/O'), ('ultra_high_io', 'Ultra-high I/O'), ('bandwidth', 'EIP bandwidth')], max_length=20)),
                ('currency', koogallery.kernel.money.CurrencyField(default='USD', max_length=3)),
                ('pay_per_use', koogallery.kernel.money.UnitPriceField(decimal_places=8, help_text='for an hour', max_digits=18)),
                ('monthly', koogallery.kernel.money.UnitPriceField(decimal_places=8, max_digits=18)),
                ('yearly', koogallery.kernel.money.UnitPriceField(decimal_places=8, max_digits=18)),
                ('region', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rates', to='catalog.region')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('region', 'kind', 'currency'), name='one_rate_per_region')],
            },
        ),
        WatchTable("catalog_imageversion", "SELECT DISTINCT product_id FROM changed"),
        WatchTable("catalog_region"),
        WatchTable("catalog_flavoroffer"),
        WatchTable("catalog_regionrate"),
    ]
