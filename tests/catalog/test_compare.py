"""Products side by side: the address is the state, and says who is left out and why."""

import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.services import refresh_listing
from tests.factories import PriceFactory, ProductFactory, SpecificationFactory, a_specification

pytestmark = pytest.mark.django_db

BUDGET = 12


def on_sale(prices=None, **traits):
    return refresh_listing(a_specification(prices=prices, product=ProductFactory(**traits)).product)


def shown(client, *slugs, **more) -> str:
    answer = client.get("/compare/", {"product": slugs, **more})
    assert answer.status_code == 200
    return answer.content.decode()


def rows(page: str) -> dict[str, str]:
    """What each row says, as plain words, by its label."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL):
        heading, _end, cells = row.partition("</th>")
        label = " ".join(re.sub(r"<[^>]+>", " ", heading).split())
        found[label] = " ".join(re.sub(r"<[^>]+>", " ", cells).split())
    return found


def test_every_property_stands_side_by_side(client):
    first = on_sale({"monthly": "5.00", "yearly": "50.00"}, name="Alpha", version="V1.0", highlights=["Fast", "Small"])
    second = on_sale(
        {"monthly": "7.50"}, name="Beta", saas=True, version="V2.0", operating_systems=["windows", "web"],
        support_hours="Weekdays 9 to 5",
    )  # fmt: skip
    larger = SpecificationFactory(product=second, name="Enterprise", position=2)
    PriceFactory(specification=larger, billing_mode="monthly", amount="70.00")
    said = rows(shown(client, first.slug, refresh_listing(second).slug))
    assert said["Price from Differs"] == "$5.00 USD/month $7.50 USD/month"
    assert "Enterprise: $70.00 USD/month" in said["Monthly prices Differs"]
    assert said["Yearly prices Differs"].endswith("$50.00 USD/year —")
    assert said["Delivery Methods Differs"] == "License SaaS"
    assert said["Operating System Differs"] == "Linux Windows Web"
    assert said["Service supervision Differs"] == "Yes No"
    assert said["Service Flow Differs"] == "License —"
    assert said["Version Differs"] == "V1.0 V2.0"
    assert said["Support hours Differs"] == "— Weekdays 9 to 5"
    assert said["Auto Renew Differs"] == "Yes No"
    assert said["Highlights Differs"] == "Fast Small —"
    assert said["Sold by Differs"] == f"{first.seller.name} {second.seller.name}"
    assert "Pay-per-use prices" not in said


def test_only_the_differences_on_demand_and_back(client):
    first = on_sale(version="V1.0")
    second = on_sale(version="V2.0", seller=first.seller)
    page = shown(client, first.slug, second.slug)
    assert "Delivery Methods" in rows(page)
    switch = re.search(r'href="(\?[^"]*differences=1[^"]*)"', page)[1].replace("&amp;", "&")
    only = client.get(f"/compare/{switch}").content.decode()
    assert list(rows(only)) == ["Version Differs"]
    assert "1 of " in only
    assert "Show all rows" in only
    assert f'href="?product={second.slug}&amp;differences=1"' in only
    alike = shown(client, first.slug, on_sale(version="V1.0", seller=first.seller).slug, differences="1")
    assert "These products do not differ." in alike


def test_a_product_is_removed_by_a_link(client):
    first, second = on_sale(), on_sale()
    page = shown(client, first.slug, second.slug)
    without = re.findall(r'href="\?([^"]*)"[^>]*>(?:(?!</a>).)*Remove', page, re.DOTALL)
    assert without == [f"product={second.slug}", f"product={first.slug}"]


def test_a_fifth_is_refused_by_name_and_twice_the_same_counts_once(client):
    products = [on_sale(name=f"Number {number}") for number in range(1, 7)]
    slugs = [product.slug for product in products]
    page = shown(client, slugs[0], *slugs)
    assert "These were not added: Number 5, Number 6." in page
    assert page.count('class="cmp-name"') == 4
    assert "Remove one to add another" in page
    assert 'name="add"' not in page
    assert "This one was not added: Number 5." in shown(client, *slugs[:5])


def test_what_is_not_for_sale_is_left_out_by_name_and_takes_no_room(client):
    gone = on_sale(name="Gone Product", status="taken_down")
    draft = on_sale(name="Secret Draft", status="draft", published_at=None)
    unlisted = on_sale(name="Secret Offer", public_sales=False)
    slugs = [on_sale(name=f"Number {number}").slug for number in range(1, 5)]
    page = shown(client, "nobody", gone.slug, draft.slug, unlisted.slug, *slugs)
    assert f"left out: nobody, Gone Product, {draft.slug}, {unlisted.slug}." in page
    assert "Secret" not in page
    assert page.count('class="cmp-name"') == 4
    frozen = on_sale(name="Of A Frozen Seller")
    frozen.seller.frozen_at = frozen.published_at
    frozen.seller.save()
    assert "Of A Frozen Seller" not in shown(client, frozen.slug)


def test_a_product_is_found_and_added_by_search(client):
    first, second = on_sale(name="Alpha Relay"), on_sale(name="Beta Relay")
    page = shown(client, first.slug, add="relay")
    added = re.search(r'href="(\?[^"]*)">[^<]*<svg(?:(?!</a>).)*Beta Relay', page, re.DOTALL)[1].replace("&amp;", "&")
    assert added == f"?product={first.slug}&product={second.slug}"
    assert f'<input type="hidden" name="product" value="{first.slug}">' in page
    assert "No further products match “zzzqqq”." in shown(client, first.slug, add="zzzqqq")


def test_nothing_to_compare_and_machines_stay_away(client):
    page = shown(client)
    assert "Nothing to compare yet." in page
    assert 'name="robots" content="noindex' in page
    assert "Disallow: /compare/" in client.get("/robots.txt").content.decode()
    assert not client.cookies


def test_the_table_scrolls_in_a_region_that_the_keyboard_reaches(client):
    page = shown(client, on_sale().slug, on_sale().slug)
    assert re.search(r'<div class="cmp [^"]*" role="region" tabindex="0" aria-label="Comparison">', page)


@pytest.mark.parametrize(
    "query",
    [
        "product=" + "&product=".join(f"p{number}" for number in range(500)), "product=" + "x" * 5_000, "product=%27%22%3Cscript%3E", "product=",
        "product=%E2%80%AE&add=%E2%80%AE", "add=%25%5C%27%22" + "(" * 300, "differences=7&product[]=1", "add=" + "a" * 10_000,
    ],
)  # fmt: skip
def test_bad_input_is_answered(client, query):
    answer = client.get(f"/compare/?{query}")
    assert answer.status_code == 200
    assert b"<script>" not in answer.content
    assert len(answer.content) < 100_000


def test_nul_is_refused_and_not_a_fault(client):
    assert client.get("/compare/?product=%00").status_code == 400
    assert client.get("/compare/?add=%00").status_code == 400


def test_queries_do_not_grow_with_the_products(client, monkeypatch):
    from catalog.search import Search, category_tree
    from catalog.search.engine import chosen

    slugs = [on_sale(name=f"Relay {number}").slug for number in range(4)]
    for number in range(8):
        on_sale(name=f"Other Relay {number}")
    assert chosen().count(Search(), category_tree())
    monkeypatch.setattr(chosen(), "_follow_now", lambda: None)

    def count(*wanted, **more) -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            shown(client, *wanted, **more)
        assert len(queries) <= BUDGET, [one["sql"][:100] for one in queries]
        return len(queries)

    assert count(*slugs[:2]) == count(*slugs)
    assert count(slugs[0], add="relay") == count(*slugs[:3], add="relay")
    assert count(*slugs, "nobody", "none", *(f"other-{number}" for number in range(100))) <= BUDGET
