"""A promotion changes what visitors' pages print: kept pages of its product, or of the whole shop, are made anew."""

from django.db import migrations

from catalog.feed import WatchTable


class Migration(migrations.Migration):
    dependencies = [("pricing", "0002_discounts_coupons_tax"), ("catalog", "0004_feed")]

    operations = [WatchTable("pricing_discount", "SELECT DISTINCT product_id FROM changed")]
