from django.db import migrations

PAY_PER_USE = "pay_per_use"


def leave_out_what_nobody_can_order(apps, schema_editor):
    """Pay-per-use is sold of images only: other products' listings repeat it no longer (`catalog.services.refresh_listing`)."""
    products = apps.get_model("catalog", "Product").objects.using(schema_editor.connection.alias)
    prices = apps.get_model("catalog", "Price").objects.using(schema_editor.connection.alias)
    repeating = products.filter(billing_modes__contains=[PAY_PER_USE]).exclude(delivery_method="image")
    fields = ["pk", "billing_modes", "has_several_prices", "lowest_price", "lowest_price_mode", "lowest_price_unit"]
    for product in repeating.only(*fields).iterator(chunk_size=1000):
        sold = prices.filter(specification__product=product, specification__removed_at=None)
        product.billing_modes = [mode for mode in product.billing_modes if mode != PAY_PER_USE]
        product.has_several_prices = sold.exclude(billing_mode=PAY_PER_USE).count() > 1
        # It was the last in the order of modes, so it made the lowest price only where it was the only one.
        if not product.billing_modes:
            product.lowest_price, product.lowest_price_mode, product.lowest_price_unit = None, "", ""
        product.save(update_fields=fields[1:])


class Migration(migrations.Migration):
    dependencies = [("catalog", "0011_cloud")]

    operations = [migrations.RunPython(leave_out_what_nobody_can_order, migrations.RunPython.noop)]
