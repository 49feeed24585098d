"""Lines of usage bills keep our fee; what operations are to decide about use waits on its account."""

from django.db import migrations, models

import koogallery.kernel.money


class Migration(migrations.Migration):
    dependencies = [("billing", "0037_entries_move_something")]

    operations = [
        migrations.AddField("usagebillline", "fee", koogallery.kernel.money.AmountField(decimal_places=4, max_digits=18, null=True)),
        migrations.AddField(
            "usageaccount",
            "undecided",
            koogallery.kernel.money.AmountField(decimal_places=4, editable=False, max_digits=18, null=True),
        ),
        migrations.AddField("usageaccount", "undecided_until", models.DateTimeField(editable=False, null=True)),
    ]
