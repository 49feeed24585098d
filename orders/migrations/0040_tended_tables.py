"""Autovacuum follows orders and subscriptions closely: timers move them."""

from django.db import migrations

from koogallery.kernel.db import tended


class Migration(migrations.Migration):
    dependencies = [("orders", "0011_fill_order_names")]

    operations = [tended("orders_order", "orders_subscription")]
