"""The storefront in a real browser: found by search and filters, shared, by keyboard, without JavaScript, quickly."""

import re

import pytest
from playwright.sync_api import expect

from demo.catalogue import load_agreements, load_collections, load_pictures, load_sellers, load_synonyms
from koogallery.kernel import clock

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop(transactional_db, settings, tmp_path):
    """The demo catalogue with its pictures."""
    settings.MEDIA_ROOT = tmp_path
    load_agreements(clock.now())
    load_sellers(clock.now(), lambda *_progress: None)
    load_synonyms()
    load_collections()
    load_pictures()


def test_found_by_search_and_filters_shared_and_back(shop, person):
    visitor = person("visitor")
    page = visitor.goto("/")
    visitor.look("home-demo")
    page.fill("#site-search", "lin")
    expect(page.locator("#suggestions [role=option]").first).to_be_visible()
    visitor.look("suggestions")
    page.fill("#site-search", "linux")
    page.press("#site-search", "Enter")
    page.wait_for_url("**/products/?q=linux")
    before = page.locator("#results .cnt b").inner_text()
    page.locator("input[name=delivery_method][value=image]").check()
    page.wait_for_url(lambda url: "delivery_method=image" in url)
    expect(page.locator("#results .cnt b")).not_to_have_text(before)
    visitor.look("search-filtered")
    narrowed = page.locator("#results .cnt b").inner_text()
    other = person("friend")
    shared = other.goto(page.url.removeprefix(visitor.base))
    assert shared.locator("#results .cnt b").inner_text() == narrowed
    page.go_back()
    expect(page.locator("#results .cnt b")).to_have_text(before)


def test_a_mistyped_search_and_one_for_nothing(shop, person):
    visitor = person("visitor")
    page = visitor.goto("/search/?q=wharehouse")
    expect(page.get_by_text("Showing results for")).to_be_visible()
    visitor.goto("/search/?q=pizza+oven")
    visitor.look("search-nothing")
    page.get_by_role("link", name="Tell us what you need").click()
    page.wait_for_url("**/requirements/new/**")
    visitor.look("requirement")


def test_suggestions_by_keyboard_only(shop, person):
    visitor = person("visitor")
    page = visitor.goto("/products/")
    expect(page.locator("#site-search")).to_have_attribute("role", "combobox")  # the scripts are there
    page.keyboard.press("/")
    expect(page.locator("#site-search")).to_be_focused()
    page.keyboard.type("northwind crm e")
    expect(page.locator("#suggestions [role=option]").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#site-search")).to_have_attribute("aria-activedescendant", "suggestion-p1")
    page.keyboard.press("Escape")
    expect(page.locator("#suggestions")).to_be_hidden()
    page.keyboard.type("n")
    expect(page.locator("#suggestions [role=option]").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/products/northwind-crm-enterprise/")


def test_everything_works_without_javascript(shop, browser, live_server):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server}/")
    page.fill("#site-search", "linux")
    page.press("#site-search", "Enter")
    page.locator("input[name=delivery_method][value=image]").check()
    page.locator("#filters button[type=submit]").click()
    assert "delivery_method=image" in page.url
    assert "q=linux" in page.url
    page.locator(".pname a").first.click()
    assert re.search(r"/products/[a-z0-9-]+/$", page.url)
    context.close()


PAGES = {
    "product-demo": "/products/northwind-crm-enterprise/",
    "category": "/categories/databases/",
    "seller": "/sellers/northwind-digital/",
    "collection": "/collections/featured/",
    "compare": "/compare/?product=northwind-crm-enterprise&product=basalt-linux-lts&product=harbor-checkout-lite",
    "help": "/help/",
    "learn": "/learn/",
    "article": "/learn/appeals/",
    "sell": "/sell/",
    "contact-sales": "/products/northwind-crm-enterprise/contact/",
}


def test_pages_look_right_and_pass_axe(shop, person):
    visitor = person("visitor")
    for title, path in PAGES.items():
        visitor.goto(path)
        visitor.look(title)


MEASURE = """
() => new Promise(done => {
  const seen = { lcp: 0, cls: 0, moved: [] };
  const named = node => node && `${node.nodeName} ${node.className || node.textContent.slice(0, 40)}`;
  new PerformanceObserver(list => { for (const e of list.getEntries()) seen.lcp = e.startTime; })
    .observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver(list => {
    for (const e of list.getEntries()) if (!e.hadRecentInput) {
      seen.cls += e.value;
      seen.moved.push([e.value, e.startTime, e.sources.map(one => named(one.node))]);
    }
  })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(seen), 800);
})
"""


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_nothing_jumps_while_a_page_loads(shop, browser, live_server, size, capsys):
    from tests.browser.conftest import SIZES

    for path in ("/", "/products/", "/products/northwind-crm-enterprise/"):
        context = browser.new_context(viewport=SIZES[size])
        page = context.new_page()
        page.goto(f"{live_server}{path}")  # the first visit fills caches, as in use
        session = context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        page.goto(f"{live_server}{path}")
        seen = page.evaluate(MEASURE)
        context.close()
        with capsys.disabled():
            print(f"\n  {path} {size}: LCP {seen['lcp']:.0f} ms, CLS {seen['cls']:.4f} at 4x CPU throttling")
        assert seen["lcp"] > 0, path
        assert seen["cls"] < 0.02, (path, seen["moved"])
