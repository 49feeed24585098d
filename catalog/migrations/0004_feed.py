from django.db import migrations

from catalog.feed import WatchTable

OF_PRODUCT = "SELECT DISTINCT product_id FROM changed"
OF_SPECIFICATION = (
    "SELECT DISTINCT owner.product_id FROM changed JOIN catalog_specification owner ON owner.id = changed.specification_id"
)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_showcase"), ("accounts", "0001_initial")]

    operations = [
        WatchTable("catalog_product", "SELECT id FROM changed"),
        WatchTable("catalog_specification", OF_PRODUCT),
        WatchTable("catalog_attribute", OF_SPECIFICATION),
        WatchTable("catalog_price", OF_SPECIFICATION),
        WatchTable("catalog_customercase", OF_PRODUCT),
        WatchTable("catalog_releasenote", OF_PRODUCT),
        WatchTable("catalog_productpicture", OF_PRODUCT),
        WatchTable("catalog_productdocument", OF_PRODUCT),
        WatchTable("catalog_agreement", OF_PRODUCT),
        WatchTable(
            "accounts_seller",
            "SELECT owned.id FROM changed JOIN catalog_product owned ON owned.seller_id = changed.id"
            " UNION ALL SELECT NULL FROM changed",
        ),
        WatchTable("catalog_category"),
        WatchTable("catalog_collection"),
        WatchTable("catalog_collectionitem"),
        WatchTable("catalog_synonym"),
    ]
