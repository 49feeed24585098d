"""Refunds on their way, disputes that come before their charge, and what the sandbox keeps of its own."""


import koogallery.kernel.money
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0010_payment_addresses'),
        ('orders', '0004_previous_attributes'),
    ]

    operations = [
        migrations.AddField(
            model_name='gatewaymessage',
            name='early_dispute',
            field=models.JSONField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='gatewaymessage',
            name='match_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='refund',
            name='ask_gateway_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='sandboxcard',
            name='customer',
            field=models.CharField(blank=True, help_text='For whom the hosted page was opened.', max_length=80),
        ),
        migrations.AddField(
            model_name='sandboxcharge',
            name='fee',
            field=koogallery.kernel.money.AmountField(decimal_places=4, help_text='What it keeps of a charge; empty for refunds and older charges.', max_digits=18, null=True),
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='kind',
            field=models.CharField(choices=[('charge', 'An order was paid'), ('fee', 'The card processor kept its fee'), ('coupon', 'A coupon was used'), ('coupon_earned', 'A used coupon was settled with the seller'), ('coupon_back', 'A coupon was given back'), ('release', 'An order was completed'), ('refund_owed', 'A refund was decided'), ('refund_paid', 'A refund was paid out'), ('refund_bounced', 'A bank sent a refund back'), ('refund_by_hand', 'A refund was paid by transfer'), ('top_up', 'An account was topped up'), ('adjustment', 'A balance was adjusted'), ('settlement', 'A monthly statement was paid'), ('reseller_paid', 'A reseller paid what he owes'), ('payout', 'A seller was paid'), ('disputed', 'A bank took a charge back'), ('dispute_won', 'A charge-back was won'), ('dispute_lost', 'A charge-back was lost'), ('mismatch', 'The processor took another amount'), ('mismatch_back', 'The wrong amount was given back'), ('gateway_payout', 'The card processor paid out to the bank'), ('tax_remitted', 'Collected tax was paid to the tax office')], max_length=16),
        ),
        migrations.AddIndex(
            model_name='gatewaymessage',
            index=models.Index(models.F('match_at'), models.F('id'), condition=models.Q(('match_at__isnull', False)), name='early_dispute_match_due'),
        ),
        migrations.AddIndex(
            model_name='refund',
            index=models.Index(models.F('ask_gateway_at'), models.F('id'), condition=models.Q(('ask_gateway_at__isnull', False), ('status', 'created')), name='refund_unknown_due'),
        ),
        migrations.AddConstraint(
            model_name='journalentry',
            constraint=models.UniqueConstraint(condition=models.Q(('kind__in', ['refund_bounced', 'refund_by_hand'])), fields=('kind', 'refund'), name='a_refund_comes_back_once'),
        ),
    ]
