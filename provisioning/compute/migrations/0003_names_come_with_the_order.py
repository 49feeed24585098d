"""The numbers of several servers are given when their order is placed; orders that wait now get theirs when they are paid."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("compute", "0002_passwords_do_not_wait")]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="first_number",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
    ]
