"""What is printed of flows before and beside the flows themselves: docs/flows.md and the product page."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings

from catalog.choices import FlowType
from catalog.services import refresh_listing
from supervision.docs import KINDS, as_markdown
from supervision.models import FlowTemplate
from tests.factories import a_specification
from tests.supervision.test_deadlines import new_version


def test_the_document_is_made_from_the_graph(db):
    assert (Path(settings.BASE_DIR) / "docs/flows.md").read_text() == as_markdown(), "manage.py describe_flows"


@pytest.mark.parametrize("flow_type", FlowType)
def test_the_document_describes_the_first_templates(db, flow_type):
    kinds = {parameters.flow_type: parameters for _name, parameters in KINDS[:3]}
    documented = kinds.get(flow_type) or replace(kinds[FlowType.STANDARD], flow_type=flow_type)
    assert FlowTemplate.in_force(flow_type).graph(platform_review=False).parameters == documented


def page(client, **traits) -> str:
    product = a_specification(**traits).product
    refresh_listing(product)
    return client.get(f"/products/{product.slug}/").content.decode()


def test_a_product_page_says_how_delivery_works(db, client):
    shown = page(client, service=True)
    for told in (
        "How delivery works",
        "You, within 5 days",
        "A file may be attached.",
        "The seller is reminded after 72 and 96 hours.",
        "After more than 5 days of silence you may appeal.",
        "You may also appeal after 3 rejections by either side, on the acceptance page after 2.",
        "Nothing is accepted by silence.",
        "A delivery that is not completed 365 days after payment is closed and you are refunded.",
        "The order completes 3 hours after acceptance.",
    ):
        assert told in shown, told
    assert "Platform reviews service" not in shown
    assert "Platform reviews service" in page(client, service=True, joint_operation=True)
    assert "A file must be attached." in page(client, saas_supervised=True)
    assert "Submit request" not in page(client)
    # Without supervision a seller's server delivers, and nobody submits, confirms or accepts anything.
    unsupervised = page(client, saas=True)
    assert "How delivery works" in unsupervised
    assert not [one for one in ("Submit request", "Confirm acceptance", "you may appeal") if one in unsupervised]


def test_a_product_page_follows_the_template_in_force(db, client):
    new_version("license", deliver_hours=48, seller_reminder_hours=[24], accept_days=14)
    shown = page(client)
    assert "Seller, within 48 hours" in shown
    assert "After 14 days of silence the delivery counts as accepted" in shown
    assert "Nothing is accepted by silence." not in shown
