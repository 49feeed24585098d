"""Takes away what only processes of before used. Run it when none of them is left (docs/operations.md, Upgrade)."""

from django.conf import settings
from django.db import migrations

from orders.terms import BILLING_ZONE
from supervision.rules import working_days_after

# What they have decided meanwhile. A database that was made between has no such columns any more.
DECIDED_MEANWHILE = """
    DO $$ BEGIN
        IF EXISTS (
            SELECT FROM information_schema.columns
            WHERE table_schema = current_schema() AND table_name = 'supervision_appeal' AND column_name = 'decision'
        ) THEN
            INSERT INTO supervision_ruling
                (appeal_id, status, second_look, decision, reason, refund, decided_by_id, decided_at, effective_at)
            SELECT id, 'in_effect', false, decision, decision_reason, refund, decided_by_id, ended_at, ended_at
            FROM supervision_appeal AS appeal
            WHERE status = 'decided'
                AND NOT EXISTS (SELECT FROM supervision_ruling AS ruling WHERE ruling.appeal_id = appeal.id);
        END IF;
    END $$;
"""
AWAY = """
    DROP INDEX IF EXISTS one_open_appeal_per_flow;
    ALTER TABLE supervision_appeal
        DROP COLUMN IF EXISTS decision, DROP COLUMN IF EXISTS decision_reason,
        DROP COLUMN IF EXISTS refund, DROP COLUMN IF EXISTS decided_by_id,
        ALTER COLUMN answer_due_at SET NOT NULL;
"""
BACK = """
    ALTER TABLE supervision_appeal
        ADD COLUMN decision varchar(12) NOT NULL DEFAULT '', ADD COLUMN decision_reason text NOT NULL DEFAULT '',
        ADD COLUMN refund numeric(18, 4),
        ADD COLUMN decided_by_id bigint REFERENCES accounts_user (id) DEFERRABLE INITIALLY DEFERRED,
        ALTER COLUMN answer_due_at DROP NOT NULL;
    CREATE INDEX ON supervision_appeal (decided_by_id);
    CREATE UNIQUE INDEX one_open_appeal_per_flow ON supervision_appeal (flow_id) WHERE status = 'open';
"""


def filed_meanwhile(apps, schema_editor):
    """Appeals that they have filed meanwhile have no date of their service level."""
    for appeal in apps.get_model("supervision", "Appeal").objects.filter(answer_due_at=None):
        appeal.answer_due_at = working_days_after(
            appeal.filed_at, settings.APPEAL_WORKING_DAYS, BILLING_ZONE, settings.PUBLIC_HOLIDAYS
        )
        appeal.save(update_fields=["answer_due_at"])


class Migration(migrations.Migration):
    dependencies = [("supervision", "0063_appeal_notices")]

    operations = [
        migrations.RunPython(filed_meanwhile, migrations.RunPython.noop),
        migrations.RunSQL(DECIDED_MEANWHILE, migrations.RunSQL.noop),
        # What the statements before have left for the commit would stand in the way of changing the table.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(AWAY, BACK),
    ]
