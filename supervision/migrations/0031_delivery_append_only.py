"""Requests and deliveries never change; those of before are read from their records, which held all of them."""

from django.db import migrations

from koogallery.kernel.db import AppendOnly

REQUESTS = """
INSERT INTO supervision_requestrevision (flow_id, number, record_id, description)
SELECT flow_id, row_number() OVER (PARTITION BY flow_id ORDER BY id), id, note
FROM supervision_flowrecord WHERE action = 'submit-request'
"""
DELIVERIES = """
INSERT INTO supervision_delivery (flow_id, round, record_id, note, answers)
SELECT flow_id, row_number() OVER (PARTITION BY flow_id ORDER BY id), id, note, '[]'
FROM supervision_flowrecord WHERE action = 'deliver'
"""


class Migration(migrations.Migration):
    dependencies = [("supervision", "0030_delivery")]

    operations = [
        migrations.RunSQL(REQUESTS, "DELETE FROM supervision_requestrevision"),
        migrations.RunSQL(DELIVERIES, "DELETE FROM supervision_licensekey; DELETE FROM supervision_delivery"),
        AppendOnly("RequestRevision"),
        AppendOnly("Delivery"),
    ]
