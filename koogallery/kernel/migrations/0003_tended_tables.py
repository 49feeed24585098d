"""Autovacuum follows deliveries and deadlines closely."""

from django.db import migrations

from koogallery.kernel.db import tended


class Migration(migrations.Migration):
    dependencies = [("kernel", "0002_idempotency_keys")]

    operations = [tended("kernel_outboxmessage", "kernel_deadline")]
