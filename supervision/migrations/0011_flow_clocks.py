"""A flow knows until when whom it waits for, when somebody is told next, and when silence accepts."""

from django.db import migrations, models



class Migration(migrations.Migration):
    dependencies = [("supervision", "0010_template_deadlines")]

    operations = [
        migrations.AddField(
            model_name='serviceflow',
            name='accepts_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='serviceflow',
            name='next_notice_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='serviceflow',
            name='respond_by',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name='flowrecord',
            name='action',
            field=models.CharField(choices=[('open', 'Order paid'), ('submit-request', 'Request submitted'), ('confirm', 'Request confirmed'), ('reject-request', 'Request rejected'), ('deliver-draft', 'Draft delivered'), ('confirm-draft', 'Draft confirmed'), ('reject-draft', 'Draft rejected'), ('deliver', 'Service delivered'), ('approve', 'Platform review passed'), ('return', 'Returned by platform review'), ('accept', 'Service accepted'), ('reject', 'Delivery rejected'), ('remind', 'Reminder sent'), ('message', 'Message'), ('reveal-license-key', 'License key shown'), ('appeal', 'Appeal submitted'), ('withdraw-appeal', 'Appeal withdrawn'), ('decide-resume', 'Appeal decided: resume'), ('decide-redeliver', 'Appeal decided: deliver again'), ('decide-accept', 'Appeal decided: accepted for the customer'), ('decide-refund', 'Appeal decided: ended with a refund'), ('close', 'Service closed'), ('reminded', 'Reminded by the platform'), ('accept-by-silence', 'Accepted by silence')], max_length=24),
        ),
    ]
