"""Bills of pay-per-use. Their lines never change."""

import django.db.models.deletion
import koogallery.kernel.fields
import koogallery.kernel.ids
import koogallery.kernel.money
from django.db import migrations, models

from koogallery.kernel.db import AppendOnly, tended


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0060_appeals_filed_for_us'),
        ('billing', '0027_invoice_guards'),
        ('orders', '0041_line_metered'),
    ]

    operations = [
        migrations.CreateModel(
            name='UsageAccount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', koogallery.kernel.money.CurrencyField(default='USD', max_length=3)),
                ('next_bill_at', models.DateTimeField()),
                ('billed_until', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='UsageBill',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=koogallery.kernel.ids.public_id, editable=False, max_length=16, unique=True)),
                ('currency', koogallery.kernel.money.CurrencyField(default='USD', max_length=3)),
                ('until', models.DateTimeField()),
                ('closes_month', models.BooleanField(help_text="Cut at the month's end, and not because enough had accrued.")),
                ('last_record', models.BigIntegerField()),
                ('amount', koogallery.kernel.money.AmountField(decimal_places=4, max_digits=18)),
                ('status', koogallery.kernel.fields.StatusField(choices=[('open', 'Being charged'), ('arrears', 'In arrears'), ('paid', 'Paid')], default='open', editable=False, max_length=50)),
                ('issued_at', models.DateTimeField()),
                ('arrears_at', models.DateTimeField(editable=False, null=True)),
                ('freezes_at', models.DateTimeField(editable=False, null=True)),
                ('froze_at', models.DateTimeField(editable=False, null=True)),
                ('releases_at', models.DateTimeField(editable=False, null=True)),
                ('released_at', models.DateTimeField(editable=False, null=True)),
                ('notice_at', models.DateTimeField(editable=False, null=True)),
                ('paid_at', models.DateTimeField(editable=False, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='UsageBillLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField()),
                ('seconds', models.IntegerField()),
                ('currency', koogallery.kernel.money.CurrencyField(default='USD', max_length=3)),
                ('unit_price', koogallery.kernel.money.UnitPriceField(decimal_places=8, max_digits=18)),
                ('discount_percent', models.DecimalField(decimal_places=2, default=0, max_digits=5)),
                ('tax_percent', models.DecimalField(decimal_places=2, default=0, max_digits=5)),
                ('tax_name', models.CharField(blank=True, max_length=40)),
                ('amount', koogallery.kernel.money.AmountField(decimal_places=4, max_digits=18)),
                ('tax', koogallery.kernel.money.AmountField(decimal_places=4, default=0, max_digits=18)),
            ],
            options={
                'ordering': ['month', 'line_id', 'subscription_id'],
            },
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='kind',
            field=models.CharField(choices=[('charge', 'An order was paid'), ('fee', 'The card processor kept its fee'), ('coupon', 'A coupon was used'), ('coupon_earned', 'A used coupon was settled with the seller'), ('coupon_back', 'A coupon was given back'), ('release', 'An order was completed'), ('refund_owed', 'A refund was decided'), ('refund_paid', 'A refund was paid out'), ('refund_bounced', 'A bank sent a refund back'), ('refund_by_hand', 'A refund was paid by transfer'), ('top_up', 'An account was topped up'), ('adjustment', 'A balance was adjusted'), ('settlement', 'A monthly statement was paid'), ('usage', 'A usage bill was paid'), ('reseller_paid', 'A reseller paid what he owes'), ('payout', 'A seller was paid'), ('disputed', 'A bank took a charge back'), ('dispute_won', 'A charge-back was won'), ('dispute_lost', 'A charge-back was lost'), ('dispute_set_off', 'An ended order bears its charge-back'), ('mismatch', 'The processor took another amount'), ('mismatch_back', 'The wrong amount was given back'), ('gateway_payout', 'The card processor paid out to the bank'), ('tax_remitted', 'Collected tax was paid to the tax office')], max_length=16),
        ),
        migrations.AlterField(
            model_name='posting',
            name='ledger',
            field=models.CharField(choices=[('gateway', 'Money at the card processor'), ('bank', 'Money at the bank'), ('receivable', 'Monthly settlement owed by customers'), ('reseller_owes', 'Owed by resellers'), ('disputed', 'Taken back by banks, in dispute'), ('balance', "Customers' balances"), ('held', 'Held for orders'), ('coupons_held', 'Coupons held for orders'), ('seller_payable', 'Payable to sellers'), ('tax', 'Tax collected'), ('refunds_owed', 'Refunds on their way'), ('suspense', 'Taken by mistake, to be given back'), ('service_fees', 'Our service fees'), ('own_sales', 'Our own sales of cloud resources'), ('processor_fees', "The card processor's fees"), ('coupons', 'Coupons at our cost'), ('dispute_losses', 'Lost charge-backs'), ('adjustments', 'Adjustments by operations')], max_length=20),
        ),
        migrations.AddConstraint(
            model_name='journalentry',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'usage')), fields=('payment',), name='a_usage_payment_is_posted_once'),
        ),
        migrations.AddField(
            model_name='usageaccount',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='usage_accounts', to='accounts.account'),
        ),
        migrations.AddField(
            model_name='usagebill',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='usage_bills', to='accounts.account'),
        ),
        migrations.AddField(
            model_name='payment',
            name='usage_bill',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='billing.usagebill'),
        ),
        migrations.AddField(
            model_name='usagebillline',
            name='bill',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='billing.usagebill'),
        ),
        migrations.AddField(
            model_name='usagebillline',
            name='line',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.orderline'),
        ),
        migrations.AddField(
            model_name='usagebillline',
            name='subscription',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='usage_bill_lines', to='orders.subscription'),
        ),
        migrations.AddIndex(
            model_name='usageaccount',
            index=models.Index(models.F('next_bill_at'), models.F('id'), name='usage_bill_due'),
        ),
        migrations.AddConstraint(
            model_name='usageaccount',
            constraint=models.UniqueConstraint(fields=('account', 'currency'), name='one_usage_account_per_currency'),
        ),
        migrations.AddIndex(
            model_name='usagebill',
            index=models.Index(models.F('account'), models.OrderBy(models.F('until'), descending=True), models.OrderBy(models.F('id'), descending=True), name='usage_bill_account_newest'),
        ),
        migrations.AddIndex(
            model_name='usagebill',
            index=models.Index(models.F('freezes_at'), models.F('id'), condition=models.Q(('froze_at', None), ('status', 'arrears')), name='usage_bill_freeze_due'),
        ),
        migrations.AddIndex(
            model_name='usagebill',
            index=models.Index(models.F('releases_at'), models.F('id'), condition=models.Q(('froze_at__isnull', False), ('released_at', None), ('status', 'arrears')), name='usage_bill_release_due'),
        ),
        migrations.AddIndex(
            model_name='usagebill',
            index=models.Index(models.F('notice_at'), models.F('id'), condition=models.Q(('notice_at__isnull', False), ('status', 'arrears')), name='usage_bill_notice_due'),
        ),
        migrations.AddConstraint(
            model_name='usagebill',
            constraint=models.UniqueConstraint(fields=('account', 'currency', 'until', 'closes_month'), name='one_usage_bill_per_cut'),
        ),
        migrations.AddConstraint(
            model_name='usagebill',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='usage_bill_amount_positive'),
        ),
        migrations.AddConstraint(
            model_name='usagebill',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'paid'), _negated=True), ('paid_at__isnull', False), _connector='OR'), name='paid_usage_bills_know_when'),
        ),
        migrations.AddConstraint(
            model_name='usagebill',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'arrears'), _negated=True), models.Q(('arrears_at__isnull', False), ('freezes_at__isnull', False), ('releases_at__isnull', False)), _connector='OR'), name='arrears_know_their_dates'),
        ),
        migrations.AddConstraint(
            model_name='usagebillline',
            constraint=models.UniqueConstraint(fields=('bill', 'subscription', 'line', 'month'), name='one_line_per_use_and_month'),
        ),
        AppendOnly("UsageBillLine"),
        tended("billing_usageaccount", "billing_usagebill"),
    ]
