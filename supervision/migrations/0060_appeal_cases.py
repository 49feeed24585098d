"""Appeals become cases: statements, decisions with a second look, the service level."""

import django.db.models.deletion
import koogallery.kernel.fields
from django.conf import settings
from django.db import migrations, models

import koogallery.kernel.money


class Migration(migrations.Migration):
    dependencies = [
        ('accounts', '0060_appeals_filed_for_us'),
        ('orders', '0004_previous_attributes'),
        ('supervision', '0050_delivery_application'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Ruling',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', koogallery.kernel.fields.StatusField(choices=[('awaiting_consent', "Waits for another operator's confirmation"), ('announced', 'Not yet in effect'), ('in_effect', 'In effect'), ('replaced', 'Replaced by the second look'), ('declined', 'Declined'), ('lapsed', 'Lapsed')], editable=False, max_length=50)),
                ('second_look', models.BooleanField(default=False)),
                ('decision', models.CharField(choices=[('resume', 'Resume at the frozen step'), ('redeliver', 'Send back to the seller to deliver'), ('accept', 'Accept for the customer'), ('refund', 'End with a refund')], max_length=12)),
                ('reason', models.TextField()),
                ('refund', koogallery.kernel.money.AmountField(decimal_places=4, max_digits=18, null=True)),
                ('deliver_by', models.DateTimeField(null=True)),
                ('decided_at', models.DateTimeField()),
                ('lapses_at', models.DateTimeField(null=True)),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('effective_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='StatementRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', koogallery.kernel.fields.StatusField(choices=[('asked', 'Asked'), ('given', 'Given'), ('missed', 'Not given in time'), ('dropped', 'No longer needed')], default='asked', editable=False, max_length=50)),
                ('party', models.CharField(choices=[('buyer', 'Customer'), ('seller', 'Seller'), ('operations', 'Operations'), ('system', 'System')], max_length=12)),
                ('question', models.TextField()),
                ('asked_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('text', models.TextField(blank=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='appeal',
            name='answer_due_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='appeal',
            name='buyer_waived_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='appeal',
            name='escalated_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='appeal',
            name='review_asked_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='appeal',
            name='review_party',
            field=models.CharField(blank=True, db_default='', choices=[('buyer', 'Customer'), ('seller', 'Seller'), ('operations', 'Operations'), ('system', 'System')], max_length=12),
        ),
        migrations.AddField(
            model_name='appeal',
            name='review_reason',
            field=models.TextField(blank=True, db_default=''),
        ),
        migrations.AddField(
            model_name='appeal',
            name='seller_waived_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='appeal',
            name='takes_effect_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='appeal',
            name='status',
            field=koogallery.kernel.fields.StatusField(choices=[('open', 'Waits for a decision'), ('awaiting_consent', "Waits for another operator's confirmation"), ('announced', 'Decided, not yet in effect'), ('under_review', 'Waits for the second look'), ('withdrawn', 'Withdrawn'), ('decided', 'Decided')], default='open', editable=False, max_length=50),
        ),
        migrations.AlterField(
            model_name='attachment',
            name='purpose',
            field=models.CharField(choices=[('request', 'Request'), ('delivery', 'Delivery'), ('rejection', 'Rejection'), ('appeal', 'Appeal'), ('message', 'Message'), ('statement', 'Statement')], max_length=12),
        ),
        migrations.AlterField(
            model_name='flowrecord',
            name='action',
            field=models.CharField(choices=[('open', 'Order paid'), ('submit-request', 'Request submitted'), ('confirm', 'Request confirmed'), ('reject-request', 'Request rejected'), ('deliver-draft', 'Draft delivered'), ('confirm-draft', 'Draft confirmed'), ('reject-draft', 'Draft rejected'), ('deliver', 'Service delivered'), ('approve', 'Platform review passed'), ('return', 'Returned by platform review'), ('accept', 'Service accepted'), ('reject', 'Delivery rejected'), ('remind', 'Reminder sent'), ('message', 'Message'), ('reveal-license-key', 'License key shown'), ('reveal-password', 'Application password shown'), ('appeal', 'Appeal submitted'), ('withdraw-appeal', 'Appeal withdrawn'), ('ask-statement', 'Statement asked for'), ('statement', 'Statement given'), ('statement-silence', 'No statement given in time'), ('propose-decision', "Decision waits for another operator's confirmation"), ('drop-decision', 'Decision not confirmed'), ('decide', 'Appeal decided, not yet in effect'), ('review', 'Second look asked for'), ('waive-review', 'Second look waived'), ('decide-resume', 'Appeal decided: resume'), ('decide-redeliver', 'Appeal decided: deliver again'), ('decide-accept', 'Appeal decided: accepted for the customer'), ('decide-refund', 'Appeal decided: ended with a refund'), ('close', 'Service closed'), ('reminded', 'Reminded by the platform'), ('accept-by-silence', 'Accepted by silence')], max_length=24),
        ),
        migrations.AddIndex(
            model_name='appeal',
            index=models.Index(models.F('takes_effect_at'), models.F('id'), condition=models.Q(('status', 'announced')), name='appeal_effect_due'),
        ),
        migrations.AddIndex(
            model_name='appeal',
            index=models.Index(models.F('answer_due_at'), models.F('id'), condition=models.Q(('escalated_at', None), ('status__in', ['open', 'awaiting_consent', 'under_review'])), name='appeal_escalation_due'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['open', 'awaiting_consent', 'announced', 'under_review'])), fields=('flow',), name='one_live_appeal_per_flow'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'announced'), ('takes_effect_at__isnull', False)), models.Q(models.Q(('status', 'announced'), _negated=True), ('takes_effect_at', None)), _connector='OR'), name='announced_appeals_know_their_effect'),
        ),
        migrations.AddField(
            model_name='ruling',
            name='appeal',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rulings', to='supervision.appeal'),
        ),
        migrations.AddField(
            model_name='ruling',
            name='confirmed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='ruling',
            name='decided_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='statementrequest',
            name='appeal',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='statements', to='supervision.appeal'),
        ),
        migrations.AddField(
            model_name='statementrequest',
            name='asked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='statementrequest',
            name='record',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='supervision.flowrecord'),
        ),
        migrations.AddIndex(
            model_name='ruling',
            index=models.Index(models.F('lapses_at'), models.F('id'), condition=models.Q(('status', 'awaiting_consent')), name='ruling_lapse_due'),
        ),
        migrations.AddConstraint(
            model_name='ruling',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'in_effect')), fields=('appeal',), name='one_ruling_in_effect_per_appeal'),
        ),
        migrations.AddConstraint(
            model_name='ruling',
            constraint=models.CheckConstraint(condition=models.Q(('confirmed_by', None), models.Q(('confirmed_by', models.F('decided_by')), _negated=True), _connector='OR'), name='rulings_are_confirmed_by_another'),
        ),
        migrations.AddConstraint(
            model_name='ruling',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'awaiting_consent'), _negated=True), ('lapses_at__isnull', False), _connector='OR'), name='waiting_rulings_lapse'),
        ),
        migrations.AddIndex(
            model_name='statementrequest',
            index=models.Index(models.F('due_at'), models.F('id'), condition=models.Q(('status', 'asked')), name='statement_due'),
        ),
        migrations.AddConstraint(
            model_name='statementrequest',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'asked')), fields=('appeal', 'party'), name='one_open_statement_request_per_side'),
        ),
    ]
