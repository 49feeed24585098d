from django.db import migrations

from catalog.feed import WatchTable


class Migration(migrations.Migration):
    dependencies = [
        ("supervision", "0002_records_append_only_first_templates"),
        ("catalog", "0004_feed"),
    ]

    operations = [WatchTable("supervision_flowtemplate")]
