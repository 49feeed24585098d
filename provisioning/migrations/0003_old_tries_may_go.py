from django.db import migrations

from koogallery.kernel.db import ForgottenAfter


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0002_saas_interface")]

    operations = [ForgottenAfter("Exchange", column="at", days=30)]
