"""What usage bills took too much is a bill over less than nothing, credited at once.

What the new rule says of bills before is checked by the next migration, without the lock that is taken here. Taken back
once a bill was credited, the rule of before holds of every bill to come, and not of that one.
"""

import django.db.models.deletion
import koogallery.kernel.fields
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

OF_BEFORE = "ALTER TABLE billing_usagebill {} CONSTRAINT usage_bill_amount_positive {};"


class Migration(migrations.Migration):
    dependencies = [("billing", "0034_fees_given_back")]

    operations = [
        migrations.AddField(
            "usagebill",
            "credit",
            models.OneToOneField(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.journalentry",
            ),
        ),
        migrations.RunSQL(
            OF_BEFORE.format("DROP", ""),
            OF_BEFORE.format("ADD", "CHECK (amount > 0) NOT VALID"),
            state_operations=[migrations.RemoveConstraint("usagebill", "usage_bill_amount_positive")],
        ),
        AddConstraintNotValid(
            "usagebill",
            models.CheckConstraint(
                name="usage_bill_is_paid_or_credited",
                condition=Q(amount__gt=0, credit=None) & ~Q(status="credited")
                | Q(amount__lt=0, credit__isnull=False, status="credited", paid_at__isnull=False),
            ),
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='kind',
            field=models.CharField(choices=[('charge', 'An order was paid'), ('fee', 'The card processor kept its fee'), ('fee_back', 'The card processor gave a fee back'), ('coupon', 'A coupon was used'), ('coupon_earned', 'A used coupon was settled with the seller'), ('coupon_back', 'A coupon was given back'), ('release', 'An order was completed'), ('refund_owed', 'A refund was decided'), ('refund_paid', 'A refund was paid out'), ('refund_bounced', 'A bank sent a refund back'), ('refund_by_hand', 'A refund was paid by transfer'), ('top_up', 'An account was topped up'), ('adjustment', 'A balance was adjusted'), ('settlement', 'A monthly statement was paid'), ('usage', 'A usage bill was paid'), ('usage_credit', 'What usage bills took too much was credited'), ('reseller_paid', 'A reseller paid what he owes'), ('payout', 'A seller was paid'), ('disputed', 'A bank took a charge back'), ('dispute_won', 'A charge-back was won'), ('dispute_lost', 'A charge-back was lost'), ('dispute_set_off', 'An ended order bears its charge-back'), ('mismatch', 'The processor took another amount'), ('mismatch_back', 'The wrong amount was given back'), ('gateway_payout', 'The card processor paid out to the bank'), ('tax_remitted', 'Collected tax was paid to the tax office')], max_length=16),
        ),
        migrations.AlterField(
            model_name='usagebill',
            name='status',
            field=koogallery.kernel.fields.StatusField(choices=[('open', 'Being charged'), ('arrears', 'In arrears'), ('paid', 'Paid'), ('credited', 'Credited')], default='open', editable=False, max_length=50),
        ),
    ]
