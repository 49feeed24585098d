"""What a buyer agreed to never changes and never vanishes (RELIABILITY, promise 3)."""

from django.db import migrations

from koogallery.kernel.db import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [AppendOnly("AcceptedAgreement")]
