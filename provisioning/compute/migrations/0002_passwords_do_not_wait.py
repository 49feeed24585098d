"""The password of servers that wait for payment is erased after a while."""

from django.db import migrations, models

# Orders that wait now keep theirs for as long as new ones do.
FILL = """
UPDATE compute_deployment SET forget_password_at = created_at + interval '1 hour'
WHERE status = 'waiting' AND password IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("compute", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="forget_password_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="server",
            name="needs_password",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(
                models.F("forget_password_at"),
                models.F("id"),
                condition=models.Q(("forget_password_at__isnull", False)),
                name="compute_forget_password_due",
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
