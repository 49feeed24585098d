"""Choosing in a real browser: comparing, keeping, and a seller's page; also without JavaScript."""

from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from catalog.models import Product, SavedProduct
from catalog.services import save_product
from demo.catalogue import load_agreements, load_sellers
from koogallery.kernel import clock
from tests.browser.conftest import PASSWORD
from tests.factories import MembershipFactory, UserFactory, a_buyer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop(transactional_db):
    load_agreements(clock.now())
    load_sellers(clock.now(), lambda *_progress: None)


def query(slugs: list[str]) -> str:
    return "&".join(f"product={slug}" for slug in slugs)


def different(number: int) -> list[str]:
    """Products of different delivery methods, for a comparison with much to tell."""
    found = {product.delivery_method: product.slug for product in Product.objects.order_by("-id")}
    return list(found.values())[:number]


def test_four_products_are_compared_on_any_screen(shop, person):
    visitor = person("visitor")
    slugs = different(4)
    page = visitor.goto(f"/compare/?{query(slugs)}&product=nobody")
    visitor.look("compare")
    page.get_by_role("link", name="Show only differences").click()
    page.wait_for_url("**differences=1**")
    page.get_by_role("link", name="Remove").first.click()
    expect(page.locator(".cmp thead th")).to_have_count(4)
    page.set_viewport_size({"width": 390, "height": 844})
    region = page.get_by_role("region", name="Comparison")
    first = region.locator("tbody th").first
    left = first.bounding_box()["x"]
    region.focus()
    page.keyboard.press("End")
    region.evaluate("region => { region.scrollLeft = 400 }")
    assert region.evaluate("region => region.scrollLeft") > 0
    assert abs(first.bounding_box()["x"] - left) < 2
    page.screenshot(path="var/screenshots/compare-scrolled-phone.png")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    visitor.goto("/compare/?add=linux")
    visitor.look("compare-add")


def test_comparing_keeping_and_undoing_without_javascript(shop, browser, live_server):
    member = MembershipFactory(user=UserFactory(email="mara@contoso.example", password=PASSWORD))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server}/compare/")
    for _twice in range(2):
        page.fill("#add", "linux")
        page.locator("main").get_by_role("button", name="Search").click()
        page.get_by_role("link", name="Add").first.click()
    expect(page.locator(".cmp-name")).to_have_count(2)
    page.goto(f"{live_server}/account/login/")
    page.fill("input[name=login]", member.user.email)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    slug = different(1)[0]
    page.goto(f"{live_server}/my/saved/add/{slug}/")
    page.locator("main").get_by_role("button", name="Save to List").click()
    before = SavedProduct.objects.values("saved_at", "price_then").get()
    page.get_by_role("button", name="Remove").click()
    assert not SavedProduct.objects.exists()
    page.get_by_role("button", name="Undo").click()
    assert SavedProduct.objects.values("saved_at", "price_then").get() == before
    context.close()


def test_the_saved_list_and_a_sellers_page(shop, person):
    member = MembershipFactory(user=UserFactory(email="mara@contoso.example", password=PASSWORD))
    saver = a_buyer(account=member.account)
    for days, product in enumerate(Product.objects.order_by("id")[:6]):
        save_product(product, account=member.account, by=saver, at=clock.now() - timedelta(days=days))
    changes = iter([Decimal(2), Decimal(-3), Decimal(0), Decimal(1)])
    for entry in SavedProduct.objects.order_by("id")[:4]:
        entry.price_then += next(changes)
        entry.save()
    gone = SavedProduct.objects.order_by("id")[4].product
    Product.objects.filter(pk=gone.pk).update(status="taken_down")
    buyer = person("buyer")
    buyer.log_in(member.user)
    page = buyer.goto("/my/saved/")
    buyer.look("saved")
    page.get_by_role("button", name="Remove").first.click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    buyer.look("saved-undo")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("is on My Saved List again.")).to_be_visible()
    buyer.goto(f"/sellers/{gone.seller.slug}/")
    buyer.look("seller")
    Product.objects.update(status="taken_down")
    buyer.goto(f"/sellers/{gone.seller.slug}/")
    buyer.look("seller-empty")
    SavedProduct.objects.all().delete()
    buyer.goto("/my/saved/")
    buyer.look("saved-empty")
