"""Autovacuum follows service flows closely: timers move them."""

from django.db import migrations

from koogallery.kernel.db import tended


class Migration(migrations.Migration):
    dependencies = [("supervision", "0032_flow_handler_index")]

    operations = [tended("supervision_serviceflow")]
