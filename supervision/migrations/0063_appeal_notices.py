"""Open flows whose reminders are sent learn when the buyer is told that he may appeal, also where that has passed."""

from django.db import connection, migrations, transaction

BATCH = 10_000

# A second after the deadline: `rules.STRICTLY`. A reminder that is still to come sets the notice itself.
SET_NOTICES = """
    UPDATE supervision_serviceflow SET next_notice_at = respond_by + interval '1 second'
    WHERE waiting_on = 'seller' AND next_notice_at IS NULL AND respond_by IS NOT NULL
        AND id > %(after)s AND id <= %(after)s + %(batch)s
"""


def set_notices(apps, schema_editor):
    newest = apps.get_model("supervision", "ServiceFlow").objects.order_by("-id").values_list("id", flat=True).first()
    for after in range(0, newest or 0, BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SET_NOTICES, {"after": after, "batch": BATCH})


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("supervision", "0062_rulings_alone")]

    operations = [
        migrations.RunPython(set_notices, migrations.RunPython.noop),
    ]
