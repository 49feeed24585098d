"""A round names the version of the application information that it gave. Adds a nullable column and a choice: no rewrite."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('supervision', '0040_tended_tables'),
    ]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='application',
            field=models.PositiveSmallIntegerField(help_text='The version of the application information that the round gave', null=True),
        ),
        migrations.AlterField(
            model_name='flowrecord',
            name='action',
            field=models.CharField(choices=[('open', 'Order paid'), ('submit-request', 'Request submitted'), ('confirm', 'Request confirmed'), ('reject-request', 'Request rejected'), ('deliver-draft', 'Draft delivered'), ('confirm-draft', 'Draft confirmed'), ('reject-draft', 'Draft rejected'), ('deliver', 'Service delivered'), ('approve', 'Platform review passed'), ('return', 'Returned by platform review'), ('accept', 'Service accepted'), ('reject', 'Delivery rejected'), ('remind', 'Reminder sent'), ('message', 'Message'), ('reveal-license-key', 'License key shown'), ('reveal-password', 'Application password shown'), ('appeal', 'Appeal submitted'), ('withdraw-appeal', 'Appeal withdrawn'), ('decide-resume', 'Appeal decided: resume'), ('decide-redeliver', 'Appeal decided: deliver again'), ('decide-accept', 'Appeal decided: accepted for the customer'), ('decide-refund', 'Appeal decided: ended with a refund'), ('close', 'Service closed'), ('reminded', 'Reminded by the platform'), ('accept-by-silence', 'Accepted by silence')], max_length=24),
        ),
    ]
