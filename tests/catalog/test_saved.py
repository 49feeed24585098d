"""My Saved List: prices then and now, removal and its undo, pages, and the same over the API."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import Account
from catalog import services
from catalog.models import Product, SavedProduct
from catalog.services import refresh_listing
from koogallery.kernel import clock
from tests.api.conftest import buyer_api
from tests.factories import MembershipFactory, ProductFactory, a_buyer, a_specification

pytestmark = pytest.mark.django_db


def on_sale(prices=None, **traits) -> Product:
    return refresh_listing(a_specification(prices=prices, product=ProductFactory(**traits)).product)


@pytest.fixture
def membership():
    return MembershipFactory()


@pytest.fixture
def buyer(client, membership):
    client.force_login(membership.user)
    return client


def save(buyer: Client, product: Product) -> SavedProduct:
    assert buyer.post(f"/my/saved/{product.slug}/", {"keep": "1"}).status_code == 302
    return SavedProduct.objects.get(product=product)


def listed(buyer: Client, query: str = "") -> str:
    answer = buyer.get(f"/my/saved/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def removed(buyer: Client, product: Product, **more) -> str:
    """Remove and give the flash's token."""
    page = buyer.post(f"/my/saved/{product.slug}/remove/", more, follow=True).content.decode()
    return re.search(r'name="removed" value="([^"]+)"', page)[1]


def test_an_empty_list_says_so_and_leads_on(buyer):
    page = listed(buyer)
    assert "You have not saved any products." in page
    assert "Browse products" in page


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("3.00", "$2.00 USD less than when you saved it"), ("7.50", "$2.50 USD more than when you saved it"),
        ("5.00", ">Unchanged<"),
    ],
)  # fmt: skip
def test_the_price_change_is_words_and_an_amount(buyer, now, words):
    product = on_sale()
    save(buyer, product)
    Product.objects.update(lowest_price=Decimal(now))
    page = listed(buyer)
    assert words in page
    assert "$5.00 USD/month" in page
    assert f"${now} USD/month" in page
    assert product.seller.name in page
    assert "License" in page
    assert f"/products/{product.slug}/#pricing" in page


def test_a_month_is_not_compared_with_a_year(buyer):
    save(buyer, on_sale())
    Product.objects.update(lowest_price=Decimal(50), lowest_price_unit="year")
    page = listed(buyer)
    assert "$5.00 USD/month" in page
    assert "$50.00 USD/year" in page
    assert "Cannot be compared" in page
    assert "more than" not in page


def test_what_is_no_longer_sold_is_greyed_without_buy_or_price(buyer):
    product = on_sale()
    save(buyer, product)
    Product.objects.update(status="taken_down")
    page = listed(buyer)
    assert "No longer sold" in page
    assert "Not available for purchase" in page
    assert '<tr class="muted">' in page
    assert "#pricing" not in page
    assert page.count("$5.00 USD/month") == 1
    token = removed(buyer, product)
    buyer.post("/my/saved/undo/", {"removed": token})
    assert SavedProduct.objects.count() == 1


def test_what_is_no_longer_sold_is_not_saved_anew(buyer):
    product = on_sale(status="taken_down")
    assert buyer.get(f"/my/saved/add/{product.slug}/").status_code == 404
    assert buyer.post(f"/my/saved/{product.slug}/", {"keep": "1"}).status_code == 409
    assert not SavedProduct.objects.exists()


def test_a_product_sold_by_its_address_only_can_be_saved(buyer):
    product = on_sale(public_sales=False)
    assert buyer.get(f"/my/saved/add/{product.slug}/").status_code == 200
    save(buyer, product)


def test_saving_and_removing_twice_change_nothing(buyer):
    product = on_sale()
    first = save(buyer, product)
    Product.objects.update(lowest_price=Decimal(9))
    again = save(buyer, product)
    assert (again.pk, again.price_then) == (first.pk, first.price_then)
    for _twice in range(2):
        assert buyer.post(f"/my/saved/{product.slug}/", {"keep": "0"}).status_code == 302
        assert not SavedProduct.objects.exists()


def test_undo_restores_the_very_entry(buyer):
    product = on_sale()
    save(buyer, product)
    week_ago = clock.now() - timedelta(days=7)
    SavedProduct.objects.update(saved_at=week_ago, price_then=Decimal("4.25"), unit_then="month")
    fields = ("account", "product", "saved_by", "saved_at", "price_then", "currency", "unit_then")
    before = SavedProduct.objects.values(*fields).get()
    token = removed(buyer, product)
    assert not SavedProduct.objects.exists()
    for _twice in range(2):
        page = buyer.post("/my/saved/undo/", {"removed": token}, follow=True).content.decode()
        assert "is on My Saved List again." in page
        assert SavedProduct.objects.values(*fields).get() == before


def test_undo_does_not_touch_what_was_saved_anew(buyer):
    product = on_sale()
    save(buyer, product)
    token = removed(buyer, product)
    anew = save(buyer, product)
    buyer.post("/my/saved/undo/", {"removed": token})
    assert SavedProduct.objects.get().saved_at == anew.saved_at


def test_undo_ends_after_an_hour(buyer, monkeypatch):
    product = on_sale()
    save(buyer, product)
    token = removed(buyer, product)
    monkeypatch.setattr(services, "UNDO_LIFETIME", timedelta(seconds=-1))
    page = buyer.post(
        "/my/saved/undo/", {"removed": token}, follow=True, headers={"referer": "http://testserver/my/saved/"}
    )
    assert "A removal can be undone for an hour." in page.content.decode()
    assert not SavedProduct.objects.exists()


@pytest.mark.parametrize("forged", ["", "x", "a:b:c", "x" * 20_000, "\u202e", "null"])
def test_a_forged_undo_is_nothing(buyer, forged):
    assert buyer.post("/my/saved/undo/", {"removed": forged}).status_code == 404


def test_undo_is_for_the_own_account_and_those_who_buy(buyer, membership):
    product = on_sale()
    save(buyer, product)
    token = removed(buyer, product)
    stranger, viewer = Client(), Client()
    stranger.force_login(MembershipFactory().user)
    viewer.force_login(MembershipFactory(account=membership.account, role="viewer").user)
    assert stranger.post("/my/saved/undo/", {"removed": token}).status_code == 404
    assert viewer.post("/my/saved/undo/", {"removed": token}).status_code == 403
    assert buyer.get("/my/saved/undo/").status_code == 405
    assert not SavedProduct.objects.exists()


def test_removal_returns_to_the_page_it_came_from_and_nowhere_else(buyer):
    product = on_sale()
    save(buyer, product)
    answer = buyer.post(f"/my/saved/{product.slug}/remove/", {"next": "/my/saved/?before=1-1"})
    assert answer["Location"] == "/my/saved/?before=1-1"
    for elsewhere in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"):
        assert buyer.post(f"/my/saved/{product.slug}/remove/", {"next": elsewhere})["Location"] == "/my/saved/"


def test_the_list_is_read_page_by_page_even_when_entries_go(buyer, membership):
    account, start = membership.account, clock.now() - timedelta(days=9)
    for number in range(120):
        # Pairs saved at the same moment, so that the time alone does not order them.
        saved_at = start + timedelta(minutes=number // 2)
        SavedProduct.objects.create(account=account, product=on_sale(name=f"Saved {number:03}"), saved_at=saved_at)

    def names(page: str) -> list[int]:
        return [int(one) for one in re.findall(r'/">Saved (\d{3})</a>', page)]

    def link(page: str, rel: str) -> str:
        found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
        return found[1] if found else ""

    first = listed(buyer)
    assert names(first) == list(range(119, 69, -1))
    assert "(120)" in first
    assert not link(first, "prev")
    second = listed(buyer, link(first, "next"))
    assert names(second) == list(range(69, 19, -1))
    SavedProduct.objects.filter(product__name="Saved 070").delete()
    assert names(listed(buyer, link(first, "next"))) == names(second)
    third = listed(buyer, link(second, "next"))
    assert names(third) == list(range(19, -1, -1))
    assert not link(third, "next")
    assert names(listed(buyer, link(third, "prev"))) == names(second)
    assert names(listed(buyer, link(second, "prev"))) == [*range(119, 70, -1), 69]
    SavedProduct.objects.filter(product__name__lt="Saved 020").delete()
    assert names(listed(buyer, link(second, "next"))) == [*range(119, 70, -1), 69]


@pytest.mark.parametrize(
    "query",
    [
        "?before=x",
        "?before=" + "9" * 400,
        "?after=99999999999999999-999999999999999999",
        "?before=0-0",
        "?after=-1",
        "?page=7",
    ],
)
def test_a_page_that_is_none_is_the_first(buyer, query):
    product = on_sale()
    save(buyer, product)
    assert product.name in listed(buyer, query)


def test_a_full_list_refuses_the_next_and_forgives_what_is_on_it(monkeypatch):
    monkeypatch.setattr(services, "MOST_SAVED", 1)
    buyer = a_buyer()
    account = Account.objects.get(pk=buyer.account_id)
    first, second = on_sale(), on_sale()
    entry = services.save_product(first, account=account, by=buyer)
    assert services.save_product(first, account=account, by=buyer) == entry
    with pytest.raises(services.InvalidTransition):
        services.save_product(second, account=account, by=buyer)
    token = services.remove_saved(first, account=account, by=buyer)
    services.save_product(second, account=account, by=buyer)
    with pytest.raises(services.InvalidTransition):
        services.restore_saved(token, account=account, by=buyer)


def test_the_api_tells_the_price_now_and_the_change():
    product, api = on_sale(), buyer_api()
    entry = api.post("saved/", {"product": product.slug}).json()
    assert entry["price_change"] == {"amount": "0.00", "currency": "USD"}
    Product.objects.update(lowest_price=Decimal("4.50"))
    entry = api.get("saved/").json()["results"][0]
    assert entry["price_when_saved"] == {"amount": "5.00", "currency": "USD"}
    assert entry["price_now"] == {"amount": "4.50", "currency": "USD"}
    assert entry["price_change"] == {"amount": "-0.50", "currency": "USD"}
    Product.objects.update(status="taken_down")
    entry = api.get("saved/").json()["results"][0]
    assert (entry["price_now"], entry["price_change"]) == (None, None)
