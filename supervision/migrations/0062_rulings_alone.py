"""What rulings keep by now leaves the appeals' model; its columns stay until no process of before runs (0064)."""

from django.db import migrations, models

# Processes of now do not know these columns, those of before fill them.
FILLED_BY_ITSELF = """
    ALTER TABLE supervision_appeal
        ALTER COLUMN decision SET DEFAULT '', ALTER COLUMN decision_reason SET DEFAULT '';
"""
FILLED_BY_US = """
    ALTER TABLE supervision_appeal
        ALTER COLUMN decision DROP DEFAULT, ALTER COLUMN decision_reason DROP DEFAULT;
"""


class Migration(migrations.Migration):
    dependencies = [("supervision", "0061_appeals_as_cases")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FILLED_BY_ITSELF, FILLED_BY_US)],
            state_operations=[
                migrations.AlterField(
                    model_name='appeal',
                    name='answer_due_at',
                    field=models.DateTimeField(),
                ),
                migrations.RemoveConstraint(
                    model_name='appeal',
                    name='one_open_appeal_per_flow',
                ),
                migrations.RemoveField(
                    model_name='appeal',
                    name='decided_by',
                ),
                migrations.RemoveField(
                    model_name='appeal',
                    name='decision',
                ),
                migrations.RemoveField(
                    model_name='appeal',
                    name='decision_reason',
                ),
                migrations.RemoveField(
                    model_name='appeal',
                    name='refund',
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('status__in', ['withdrawn', 'decided'])), models.Q(models.Q(('status__in', ['withdrawn', 'decided']), _negated=True), ('ended_at', None)), _connector='OR'), name='ended_appeals_know_when'),
        ),
    ]
