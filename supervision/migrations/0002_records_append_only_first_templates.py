"""Operation records never change; every flow type has a first template (RULES 1.2, 1.3)."""

from django.db import migrations

from koogallery.kernel.db import AppendOnly

# flow type: files with the request, rejections after which the acceptance page offers the appeal (guide 4.1, 4.2)
FIRST = {
    "standard": ("optional", 2),
    "website": ("optional", 2),
    "license": ("none", 2),
    "saas": ("mandatory", 3),
    "5g_naas": ("optional", 2),
}


def make_templates(apps, schema_editor):
    template = apps.get_model("supervision", "FlowTemplate")
    for flow_type, (attachment, rejections) in FIRST.items():
        template.objects.get_or_create(
            flow_type=flow_type,
            version=1,
            defaults={"request_attachment": attachment, "appeal_on_acceptance_after": rejections},
        )


class Migration(migrations.Migration):
    dependencies = [("supervision", "0001_initial")]

    operations = [
        AppendOnly("FlowRecord"),
        migrations.RunPython(make_templates, migrations.RunPython.noop),
    ]
