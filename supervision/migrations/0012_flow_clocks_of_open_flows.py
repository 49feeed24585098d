"""Open flows get their deadline and their next reminder; reminders whose time has passed are not sent late."""

from django.db import connection, migrations, transaction

from koogallery.kernel import clock


BATCH = 10_000

SET_CLOCKS = """
    UPDATE supervision_serviceflow AS flow SET
        respond_by = flow.waiting_since + interval '1 hour' * CASE
            WHEN flow.status = 'awaiting_confirmation' THEN template.confirm_hours
            WHEN flow.waiting_on = 'seller' THEN template.deliver_hours
            ELSE template.answer_hours
        END,
        next_notice_at = CASE
            WHEN flow.waiting_on = 'seller' THEN (
                SELECT min(flow.waiting_since + interval '1 hour' * hours)
                FROM unnest(template.seller_reminder_hours) AS hours
                WHERE flow.waiting_since + interval '1 hour' * hours > %(at)s
            )
            WHEN flow.status IN ('awaiting_acceptance', 'awaiting_draft_confirmation') THEN (
                SELECT min(flow.waiting_since + interval '1 day' * days)
                FROM unnest(template.buyer_reminder_days) AS days
                WHERE flow.waiting_since + interval '1 day' * days > %(at)s
            )
        END
    FROM supervision_flowtemplate AS template
    WHERE template.id = flow.template_id AND flow.waiting_on IN ('buyer', 'seller') AND flow.respond_by IS NULL
        AND flow.id > %(after)s AND flow.id <= %(after)s + %(batch)s
"""


def set_clocks(apps, schema_editor):
    newest = apps.get_model("supervision", "ServiceFlow").objects.order_by("-id").values_list("id", flat=True).first()
    for after in range(0, newest or 0, BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SET_CLOCKS, {"at": clock.now(), "after": after, "batch": BATCH})


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("supervision", "0011_flow_clocks")]

    operations = [
        migrations.RunPython(set_clocks, migrations.RunPython.noop),
    ]
