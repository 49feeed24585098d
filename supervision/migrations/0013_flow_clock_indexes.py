"""The sweeper finds due flows by partial indexes, built and checked without a long lock."""

from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models



class Migration(migrations.Migration):
    atomic = False

    dependencies = [("supervision", "0012_flow_clocks_of_open_flows")]

    operations = [
        AddIndexConcurrently(
            model_name='serviceflow',
            index=models.Index(models.F('next_notice_at'), models.F('id'), condition=models.Q(('next_notice_at__isnull', False)), name='flow_notice_due'),
        ),
        AddIndexConcurrently(
            model_name='serviceflow',
            index=models.Index(models.F('accepts_at'), models.F('id'), condition=models.Q(('accepts_at__isnull', False), ('status', 'awaiting_acceptance')), name='flow_accepted_by_silence_due'),
        ),
        AddConstraintNotValid(
            model_name='serviceflow',
            constraint=models.CheckConstraint(condition=models.Q(('next_notice_at', None), ('waiting_on__in', ['buyer', 'seller']), _connector='OR'), name='only_turns_of_a_side_have_notices_due'),
        ),
        AddConstraintNotValid(
            model_name='serviceflow',
            constraint=models.CheckConstraint(condition=models.Q(('accepts_at', None), ('status', 'awaiting_acceptance'), models.Q(('frozen_from', 'awaiting_acceptance'), ('status', 'under_appeal')), _connector='OR'), name='only_deliveries_are_accepted_by_silence'),
        ),
        ValidateConstraint("serviceflow", "only_turns_of_a_side_have_notices_due"),
        ValidateConstraint("serviceflow", "only_deliveries_are_accepted_by_silence"),
    ]
