"""Flow templates: a change is a new version."""

from django.db import transaction

from supervision.models import FlowTemplate


def publish_template(template: FlowTemplate) -> FlowTemplate:
    """Put a changed template in force for orders from now on, as the next version of its flow type.

    Raises:
        ValidationError: what it says cannot be; by field.
    """
    with transaction.atomic():
        versions = FlowTemplate.objects.of_type(template.flow_type)
        # Two operators at once: the second waits here, looks again, and becomes the version after the first.
        versions.filter(version=1).select_for_update().first()
        newest = versions.first()
        template.pk = None
        template._state.adding = True
        template.version = newest.version + 1 if newest else 1
        template.full_clean()
        template.save()
    return template
