"""The journal is append-only, and every entry balances per currency when its transaction commits."""

from django.db import migrations

from koogallery.kernel.db import AppendOnly

BALANCE = """
CREATE FUNCTION billing_refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM billing_posting WHERE entry_id = NEW.entry_id GROUP BY currency HAVING sum(amount) <> 0
    ) THEN
        RAISE EXCEPTION 'journal entry % does not balance', NEW.entry_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER billing_posting_balances AFTER INSERT ON billing_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_refuse_unbalanced();
"""

UNBALANCE = """
DROP TRIGGER billing_posting_balances ON billing_posting;
DROP FUNCTION billing_refuse_unbalanced();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [
        AppendOnly("JournalEntry"),
        AppendOnly("Posting"),
        migrations.RunSQL(BALANCE, UNBALANCE),
    ]
