"""Every usage bill is paid or credited: checked while bills are read and written.

Where this was taken back and is applied again, credited bills have their entries in the journal, which keeps them.
"""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations

THEIR_ENTRIES = """
UPDATE billing_usagebill AS bill SET credit_id = entry.id
FROM billing_journalentry AS entry
WHERE bill.amount < 0 AND bill.credit_id IS NULL AND entry.kind = 'usage_credit' AND entry.at = bill.paid_at
  AND EXISTS (
      SELECT FROM billing_posting AS posting
      WHERE posting.entry_id = entry.id AND posting.account_id = bill.account_id AND posting.currency = bill.currency
  );
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("billing", "0035_usage_credits")]

    operations = [
        migrations.RunSQL(THEIR_ENTRIES, migrations.RunSQL.noop),
        ValidateConstraint("usagebill", "usage_bill_is_paid_or_credited"),
    ]
