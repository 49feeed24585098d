"""What was written on a service ticket never changes."""

from django.db import migrations

from koogallery.kernel.db import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("support", "0002_tickets")]

    operations = [AppendOnly("TicketMessage"), AppendOnly("TicketFile")]
