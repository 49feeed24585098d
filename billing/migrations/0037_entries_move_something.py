"""An entry without postings is refused when its transaction commits, as one that does not balance is."""

from django.db import migrations

REFUSED = """
CREATE FUNCTION billing_refuse_empty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM billing_posting WHERE entry_id = NEW.id) THEN
        RAISE EXCEPTION 'journal entry % has no postings', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER billing_entry_moves_something AFTER INSERT ON billing_journalentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_refuse_empty();
"""

ALLOWED = """
DROP TRIGGER billing_entry_moves_something ON billing_journalentry;
DROP FUNCTION billing_refuse_empty();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0036_usage_credits_checked")]

    operations = [migrations.RunSQL(REFUSED, ALLOWED)]
