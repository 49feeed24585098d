"""Templates say deadlines, reminders, review and whether there is a request form; a licence has none (guide 4.1)."""

import django.contrib.postgres.fields
import django.core.validators
from django.db import migrations, models

import supervision.models.templates
from koogallery.kernel.db import AppendOnly


def licences_have_no_request(apps, schema_editor):
    apps.get_model("supervision", "FlowTemplate").objects.filter(flow_type="license").update(request_form=False)


class Migration(migrations.Migration):
    dependencies = [("supervision", "0032_flow_handler_index")]

    operations = [
        migrations.AddField(
            model_name='flowtemplate',
            name='accept_days',
            field=models.PositiveSmallIntegerField(default=supervision.models.templates.default_accept_days, help_text='Days of silence after which a delivery counts as accepted; 0: never, as in the guide. Never for an empty delivery; the clock stands still while an appeal is handled.', validators=[django.core.validators.MaxValueValidator(180)]),
        ),
        migrations.AddField(
            model_name='flowtemplate',
            name='answer_hours',
            field=models.PositiveSmallIntegerField(default=supervision.models.templates.default_answer_hours, help_text='The customer acts within; then the seller may appeal.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(4320)]),
        ),
        migrations.AddField(
            model_name='flowtemplate',
            name='buyer_reminder_days',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(180)]), blank=True, default=supervision.models.templates.default_buyer_reminder_days, help_text='Days after which the customer is reminded to accept, such as 1, 3, 5, 10', size=10),
        ),
        migrations.AddField(
            model_name='flowtemplate',
            name='confirm_hours',
            field=models.PositiveSmallIntegerField(default=supervision.models.templates.default_confirm_hours, help_text='The seller confirms a request within; then the customer may appeal.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(4320)]),
        ),
        migrations.AddField(
            model_name='flowtemplate',
            name='deliver_hours',
            field=models.PositiveSmallIntegerField(default=supervision.models.templates.default_deliver_hours, help_text='The seller delivers within; then the customer may appeal.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(4320)]),
        ),
        migrations.AddField(
            model_name='flowtemplate',
            name='platform_review',
            field=models.CharField(choices=[('joint_operation', 'Only joint-operation products'), ('always', 'Always'), ('never', 'Never')], default='joint_operation', help_text='Whether operations review a delivery before the customer sees it.', max_length=16),
        ),
        migrations.AddField(
            model_name='flowtemplate',
            name='redeliver_hours',
            field=models.PositiveSmallIntegerField(default=supervision.models.templates.default_redeliver_hours, help_text='The new deadline when an appeal sends the flow back to delivery.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(4320)]),
        ),
        migrations.AddField(
            model_name='flowtemplate',
            name='request_form',
            field=models.BooleanField(default=True, help_text='The customer submits a request first; without it the flow begins at delivery.'),
        ),
        migrations.AddField(
            model_name='flowtemplate',
            name='seller_reminder_hours',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(4320)]), blank=True, default=supervision.models.templates.default_seller_reminder_hours, help_text='Hours after which the seller is reminded, such as 72, 96', size=10),
        ),
        migrations.AddField(
            model_name='flowtemplate',
            name='statement_hours',
            field=models.PositiveSmallIntegerField(default=supervision.models.templates.default_statement_hours, help_text='A side that is asked for a statement in an appeal gives it within.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(4320)]),
        ),
        migrations.AlterField(
            model_name='flowtemplate',
            name='appeal_after',
            field=models.PositiveSmallIntegerField(default=3, help_text='Rejections by either side, anywhere', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(20)]),
        ),
        migrations.AlterField(
            model_name='flowtemplate',
            name='appeal_on_acceptance_after',
            field=models.PositiveSmallIntegerField(default=3, help_text='Rejections by the customer after which the acceptance page offers the appeal (guide 4.1)', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(20)]),
        ),
        migrations.RunPython(licences_have_no_request, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='flowtemplate',
            constraint=models.CheckConstraint(condition=models.Q(('answer_hours__gte', 1), ('confirm_hours__gte', 1), ('deliver_hours__gte', 1), ('redeliver_hours__gte', 1), ('statement_hours__gte', 1)), name='deadlines_of_templates_are_at_least_an_hour'),
        ),
        migrations.AddConstraint(
            model_name='flowtemplate',
            constraint=models.CheckConstraint(condition=models.Q(('drafts', False), ('request_form', True), _connector='OR'), name='drafts_follow_a_request'),
        ),
        # A version never changes: orders keep the one that they were bought under.
        AppendOnly("FlowTemplate"),
    ]
