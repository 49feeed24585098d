"""Issued invoices never change: documents, items, seals and history are append-only; of an issued invoice only its return moves."""

from django.db import migrations

from koogallery.kernel.db import TRUNCATE_SETTING, AppendOnly

GUARD = f"""
CREATE FUNCTION billing_guard_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moving text[] := ARRAY['status', 'return_reason', 'return_asked_at', 'return_answer', 'return_ended_at'];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        IF current_setting('{TRUNCATE_SETTING}', true) = 'on' THEN RETURN NULL; END IF;
        RAISE EXCEPTION 'invoices are kept: TRUNCATE is refused' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'invoices are kept: DELETE is refused' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.status IN ('issued', 'returning', 'return_rejected', 'returned') THEN
        IF NEW.status NOT IN ('issued', 'returning', 'return_rejected', 'returned') OR OLD.status = 'returned'
            OR (to_jsonb(NEW) - moving) <> (to_jsonb(OLD) - moving) THEN
            RAISE EXCEPTION 'invoice % is issued: it never changes', OLD.number USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF (to_jsonb(NEW) -> 'number') <> (to_jsonb(OLD) -> 'number') OR NEW.amount <> OLD.amount
        OR NEW.account_id <> OLD.account_id OR NEW.issuer_id <> OLD.issuer_id THEN
        RAISE EXCEPTION 'invoice % keeps what it was applied for with', OLD.number USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_invoice_guard BEFORE UPDATE OR DELETE ON billing_invoice
    FOR EACH ROW EXECUTE FUNCTION billing_guard_invoice();
CREATE TRIGGER billing_invoice_never_truncated BEFORE TRUNCATE ON billing_invoice
    FOR EACH STATEMENT EXECUTE FUNCTION billing_guard_invoice();
"""

UNGUARD = """
DROP TRIGGER billing_invoice_never_truncated ON billing_invoice;
DROP TRIGGER billing_invoice_guard ON billing_invoice;
DROP FUNCTION billing_guard_invoice();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0026_invoices")]

    operations = [
        AppendOnly("InvoiceItem"),
        AppendOnly("InvoiceDocument"),
        AppendOnly("InvoiceSeal"),
        AppendOnly("InvoiceRecord"),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
