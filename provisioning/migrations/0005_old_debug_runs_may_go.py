from django.db import migrations

from koogallery.kernel.db import ForgottenAfter


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0004_application_memo")]

    operations = [ForgottenAfter("DebugRun", column="at", days=30)]
