"""Meters, marks and records of pay-per-use. Marks and records never change."""

import django.db.models.deletion
import koogallery.kernel.money
from django.db import migrations, models

from koogallery.kernel.db import AppendOnly, tended


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0060_appeals_filed_for_us'),
        ('orders', '0040_tended_tables'),
    ]

    operations = [
        migrations.CreateModel(
            name='Meter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', koogallery.kernel.money.CurrencyField(default='USD', max_length=3)),
                ('unit_price', koogallery.kernel.money.UnitPriceField(decimal_places=8, max_digits=18)),
                ('discount_percent', models.DecimalField(decimal_places=2, default=0, max_digits=5)),
                ('tax_percent', models.DecimalField(decimal_places=2, default=0, max_digits=5)),
                ('tax_name', models.CharField(blank=True, max_length=40)),
                ('running', models.BooleanField(default=False)),
                ('recheck_from', models.DateTimeField(null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.account')),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='meters', to='orders.orderline')),
                ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='meters', to='orders.subscription')),
            ],
        ),
        migrations.CreateModel(
            name='MeterClock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('metered_until', models.DateTimeField()),
                ('next_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='one_meter_clock'), models.CheckConstraint(condition=models.Q(('next_at__gt', models.F('metered_until'))), name='next_hour_follows')],
            },
        ),
        migrations.CreateModel(
            name='MeterMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('running', models.BooleanField()),
                ('meter', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='marks', to='metering.meter')),
            ],
        ),
        migrations.CreateModel(
            name='MeterMonth',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField()),
                ('seconds', models.IntegerField()),
                ('meter', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='months', to='metering.meter')),
            ],
        ),
        migrations.CreateModel(
            name='UsageRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField()),
                ('revision', models.PositiveSmallIntegerField(default=0)),
                ('seconds', models.SmallIntegerField()),
                ('recorded_at', models.DateTimeField()),
                ('meter', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='records', to='metering.meter')),
            ],
        ),
        migrations.AddIndex(
            model_name='meter',
            index=models.Index(models.F('account'), name='meter_of_account'),
        ),
        migrations.AddIndex(
            model_name='meter',
            index=models.Index(models.F('id'), condition=models.Q(('running', True)), name='meter_running'),
        ),
        migrations.AddIndex(
            model_name='meter',
            index=models.Index(models.F('recheck_from'), condition=models.Q(('recheck_from__isnull', False)), name='meter_to_recheck'),
        ),
        migrations.AddConstraint(
            model_name='meter',
            constraint=models.UniqueConstraint(fields=('subscription', 'line'), name='one_meter_per_subscription_and_line'),
        ),
        migrations.AddConstraint(
            model_name='meter',
            constraint=models.CheckConstraint(condition=models.Q(('discount_percent__range', (0, 100)), ('tax_percent__range', (0, 100)), ('unit_price__gte', 0)), name='meter_prices_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='metermark',
            constraint=models.UniqueConstraint(fields=('meter', 'at', 'running'), name='one_mark_per_second'),
        ),
        migrations.AddConstraint(
            model_name='metermonth',
            constraint=models.UniqueConstraint(fields=('meter', 'month'), name='one_sum_per_meter_and_month'),
        ),
        migrations.AddConstraint(
            model_name='usagerecord',
            constraint=models.UniqueConstraint(fields=('meter', 'hour', 'revision'), name='an_hour_is_recorded_once'),
        ),
        migrations.AddConstraint(
            model_name='usagerecord',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('revision', 0), ('seconds__range', (1, 3600))), models.Q(('revision__gt', 0), ('seconds__range', (-3600, 3600))), _connector='OR'), name='usage_within_its_hour'),
        ),
        AppendOnly("MeterMark"),
        AppendOnly("UsageRecord"),
        # Every running meter has its sum of the month raised each hour: in place, where pages have room.
        migrations.RunSQL('ALTER TABLE "metering_metermonth" SET (fillfactor = 70)', 'ALTER TABLE "metering_metermonth" RESET (fillfactor)'),
        tended("metering_metermonth", "metering_meter"),
    ]
