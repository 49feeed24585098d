"""Fill in the names of customers and sellers on orders that have none, in batches that lock few rows for a moment."""

from django.db import migrations

BATCH = 5_000

FILL = """
    UPDATE orders_order SET customer_name = account.name, seller_name = seller.name
    FROM accounts_account AS account, accounts_seller AS seller
    WHERE account.id = orders_order.account_id AND seller.id = orders_order.seller_id
      AND orders_order.id > %s AND orders_order.id <= %s AND orders_order.customer_name = ''
"""


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM orders_order")
        first, last = cursor.fetchone()
        for start in range(first - 1, last, BATCH):
            cursor.execute(FILL, [start, start + BATCH])


class Migration(migrations.Migration):
    # Each batch is a transaction of its own; repeated after an interruption it goes on with what is empty.
    atomic = False

    dependencies = [("orders", "0010_order_names")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
