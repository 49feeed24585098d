from django.db import migrations, models

# What was saved before is taken to have been sold for the same unit then as now.
FILL = """
    UPDATE catalog_savedproduct SET unit_then = product.lowest_price_unit
    FROM catalog_product product WHERE product.id = catalog_savedproduct.product_id
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_import_runs")]

    operations = [
        migrations.AddField("savedproduct", "unit_then", models.CharField(blank=True, default="", max_length=40), False),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
