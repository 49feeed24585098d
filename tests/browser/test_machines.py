"""What stands on a page for machines is inert in a real browser."""

import json

import pytest

from catalog.services import refresh_listing
from tests.factories import a_specification

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_structured_data_is_no_script_to_the_content_security_policy(transactional_db, person):
    product = refresh_listing(a_specification().product)
    product.name = "</script><script>alert(1)</script>"
    product.save()
    visitor = person("visitor")
    # The visitor's console collects violations; any of them fails the test at its end.
    visitor.page.add_init_script(
        "window.refused = []; document.addEventListener('securitypolicyviolation', e => refused.push(e.violatedDirective))"
    )
    for path in ("/", "/products/", f"/sellers/{product.seller.slug}/", f"/products/{product.slug}/"):
        page = visitor.goto(path)
        blocks = page.locator('script[type="application/ld+json"]').all_text_contents()
        assert blocks
        told = [json.loads(one) for one in blocks]
        assert page.evaluate("window.refused") == []
    assert told[0]["name"] == product.name
    assert visitor.context.cookies() == []
