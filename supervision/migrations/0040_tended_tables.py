"""Autovacuum follows service flows closely: timers move them."""

from django.db import migrations

from koogallery.kernel.db import tended


class Migration(migrations.Migration):
    dependencies = [("supervision", "0013_flow_clock_indexes")]

    operations = [tended("supervision_serviceflow")]
