"""The index: words, phrases, mistakes, synonyms; following the catalogue; being rebuilt, verified, and missing."""

import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from catalog.feed import PlaceLost, changes_since, place_now, purge
from catalog.models import Category, Product, Synonym
from catalog.search import Search, category_tree, find, suggest
from catalog.search.engine import EngineUnavailable, chosen
from catalog.search.index import follower as following
from catalog.search.index import segment as segments
from catalog.search.index import upkeep
from catalog.search.index.analysis import fold, words_of
from catalog.search.index.follower import Follower
from koogallery.kernel import clock
from tests.factories import CategoryFactory, ProductFactory, SellerFactory, a_specification

pytestmark = pytest.mark.django_db


def slugs(text="", **rest):
    return [product.slug for product in find(Search(text=text, **rest), category_tree()).page]


@pytest.fixture
def folder(tmp_path, settings):
    settings.SEARCH_INDEX_DIR = tmp_path / "search"
    return settings.SEARCH_INDEX_DIR


def test_words_are_folded_stemmed_and_split_by_script():
    assert fold("Ärzte ＡＢＣ") == "arzte abc"
    assert words_of("e-Commerce for C++") == ["e", "commerce", "ecommerce", "c++", "c"]
    assert words_of("企业财务") == ["企", "业", "财", "务", "企业", "业财", "财务"]
    assert words_of("the of and") == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("manage", "Managing Harbours"), ("harbor", "Harbor Desk"), ("Zurich", "Zürich Ledger"), ("ledgr", "Zürich Ledger"),
        ("ldeger", "Zürich Ledger"), ("kuber", "Kubernetes Primer"), ("helpdesk", "Help Desk"), ("help desk", "Helpdesk"),
        ("财务", "企业财务软件"), ("전자", "전자결재"), ("ecommerce", "E-commerce Kit"), ("node.js", "Node.js Runtime"),
    ],
)  # fmt: skip
def test_a_product_is_found_by(text, name):
    wanted = ProductFactory(name=name, tagline="", description="")
    ProductFactory(name="Quartz Relay", tagline="", description="")
    assert slugs(text) == [wanted.slug]


def test_every_text_of_a_product_is_searched():
    product = a_specification(seller=SellerFactory(name="Fjordline AS")).product
    product.specifications.update(name="Platinum")
    product.customer_cases.create(customer="Kivelä", title="Snowmobiles", text="Fewer visits")
    product.category = CategoryFactory(name="Telemetry")
    product.tagline, product.description = "Brisk", "Meticulous"
    product.save()
    for text in ("fjordline", "platinum", "snowmobile", "kivela", "telemetry", "brisk", "meticulous"):
        assert slugs(text) == [product.slug], text


def test_a_phrase_must_stand_side_by_side():
    apart = ProductFactory(name="One", description="the broker sends a message")
    together = ProductFactory(name="Two", description="a message broker")
    assert set(slugs("message broker")) == {apart.slug, together.slug}
    assert slugs('"message broker"') == [together.slug]
    assert set(slugs('"message broker')) == {apart.slug, together.slug}


def test_a_mistyped_word_is_corrected_and_said():
    ProductFactory(name="Warehouse Pilot")
    found = find(Search(text="wharehouse"), category_tree())
    assert (found.total, found.corrected) == (1, "warehouse")


def test_nothing_is_found_where_nothing_fits():
    ProductFactory(name="Warehouse Pilot", description="Ovens are mentioned in passing here.")
    assert slugs("pizza oven") == []
    assert slugs("qwzxv") == []


def test_synonyms_that_operators_keep_work_at_once():
    product = ProductFactory(name="Customer relationship management suite")
    assert slugs("crm") == []
    Synonym.objects.create(words="crm, customer relationship management")
    assert slugs("crm") == [product.slug]


def test_names_come_before_mentions_and_the_bought_before_the_unknown():
    mention = ProductFactory(name="Atlas", description="works with a relay", popularity=900)
    unknown = ProductFactory(name="Relay", popularity=1)
    bought = ProductFactory(name="Relay", popularity=500)
    assert slugs("relay") == [bought.slug, unknown.slug, mention.slug]


def test_what_changes_is_followed():
    product = ProductFactory(name="Alpha")
    assert slugs("alpha") == [product.slug]
    Product.objects.filter(pk=product.pk).update(name="Omega")
    assert slugs("alpha") == []
    assert slugs("omega") == [product.slug]
    product.seller.frozen_at = clock.now()
    product.seller.save()
    assert slugs("omega") == []
    product.seller.frozen_at = None
    product.seller.name = "Sigma Ltd."
    product.seller.save()
    assert slugs("sigma") == [product.slug]
    Category.objects.filter(pk=product.category_id).update(name="Compilers")
    product.delete()
    assert slugs() == []


def test_suggestions_complete_the_last_word():
    first = ProductFactory(name="Northwind Desk", popularity=5)
    second = ProductFactory(name="Northwind Pulse", popularity=9, seller=SellerFactory(name="Norsk Data"))
    CategoryFactory(name="Northern Lights")
    tree = category_tree()
    assert [one.slug for one in suggest("nor", tree).products] == [second.slug, first.slug]
    assert [one.slug for one in suggest("northwind d", tree).products] == [first.slug]
    assert [one.name for one in suggest("nor", tree).sellers] == ["Norsk Data"]
    assert [one.name for one in suggest("nor", tree).categories] == ["Northern Lights"]


@pytest.mark.parametrize(
    "text",
    ["x" * 10_000, '"', '"""" AND OR NOT -', "%", "\\", "a' OR 1=1 --", "\u202eabc", "((((", "🛳️", "+-*/", "\u0000", "a" * 200, '"a b', "​"],
)  # fmt: skip
def test_no_text_is_an_error(client, text):
    ProductFactory()
    for path in ("/search/", "/products/", "/search/suggest/", "/api/v1/products/"):
        assert client.get(path, {"q": text}).status_code in (200, 400), path


@pytest.mark.parametrize(
    "query",
    [
        "&".join(f"seller=s{number}" for number in range(500)), "min_price=-1", "min_price=NaN", "max_price=1e400", "page=1000000000000",
        "page=0", "page=-1", "page=x", "category=none&operating_system=none&pricing=none&delivery_method=none&price_range=none",
        "ordering=random()", "min_price=10&max_price=1", "price_range=10-50&price_range=0-10", "seller=%F0%9F%98%80", "layout=x",
    ],
)  # fmt: skip
def test_no_filter_is_an_error(client, query):
    ProductFactory()
    assert client.get(f"/products/?{query}").status_code == 200
    assert client.get(f"/api/v1/products/?{query}").status_code == 200


# --- the feed --------------------------------------------------------------------------------------------------------


def test_the_feed_tells_what_was_written_since():
    place = place_now()
    assert changes_since(place).count == 0
    product = ProductFactory()
    changes = changes_since(place)
    assert changes.products >= {product.pk}
    assert changes.shop  # its category and seller are new


def test_a_place_of_another_database_is_lost():
    with pytest.raises(PlaceLost):
        changes_since("900000000000:900000000000:")


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_commits_late_is_not_overlooked():
    """Ids are given out before commits: a reader by id would skip what an older transaction writes last."""
    import threading

    first = ProductFactory(name="First")
    second = ProductFactory(name="Second")
    wrote, go_on = threading.Event(), threading.Event()

    def slow():
        with transaction.atomic():
            Product.objects.filter(pk=first.pk).update(name="Late")
            wrote.set()
            go_on.wait(10)
        connection.close()

    place = place_now()
    thread = threading.Thread(target=slow)
    thread.start()
    wrote.wait(10)
    Product.objects.filter(pk=second.pk).update(name="Early")
    early = changes_since(place)
    go_on.set()
    thread.join()
    assert early.products == {second.pk}
    assert changes_since(early.place).products == {first.pk}


def test_the_feed_is_purged_by_age():
    ProductFactory()
    assert purge(clock.machine_now()) >= 1


# --- rebuilding, verifying, missing ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_rebuilt_index_is_taken_over_and_followed(folder):
    product = ProductFactory(name="Alpha")
    out = StringIO()
    call_command("rebuild_search", stdout=out)
    assert "Indexed 1 products" in out.getvalue()
    follower = Follower(folder)
    follower.follow()
    assert follower.state().main.size == 1
    other = ProductFactory(name="Beta")
    Product.objects.filter(pk=product.pk).update(name="Gamma")
    follower.follow()
    assert set(follower.state().products) == {product.pk, other.pk}
    call_command("rebuild_search", stdout=StringIO())
    follower.follow()
    assert follower.state().main.size == 2
    assert len(list(folder.glob("segment-*"))) == 2
    call_command("verify_search", stdout=StringIO())


@pytest.mark.django_db(transaction=True)
def test_verifying_finds_what_differs(folder):
    product = ProductFactory(name="Alpha", popularity=3)
    call_command("rebuild_search", stdout=StringIO())
    with connection.cursor() as cursor:  # behind the feed's back
        cursor.execute("ALTER TABLE catalog_product DISABLE TRIGGER USER")
        cursor.execute("UPDATE catalog_product SET popularity = 4")
        cursor.execute("ALTER TABLE catalog_product ENABLE TRIGGER USER")
    out = StringIO()
    with pytest.raises(CommandError, match="1 products differ"):
        call_command("verify_search", stdout=out)
    assert f"product {product.pk}: has another popularity" in out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_damaged_index_is_passed_over(folder):
    ProductFactory(name="Alpha")
    call_command("rebuild_search", stdout=StringIO())
    (segments.current(folder) / "pk.npy").write_bytes(b"nonsense")
    follower = Follower(folder)
    follower.follow()
    assert follower.state().main.size == 1


@pytest.mark.django_db(transaction=True)
def test_a_flood_of_changes_waits_for_a_rebuild(folder, monkeypatch):
    monkeypatch.setattr("catalog.feed.MOST_CHANGES", 3)
    monkeypatch.setattr(following, "MOST_CHANGES", 3)
    follower = Follower(folder)
    follower.follow()
    for _one in range(4):
        ProductFactory()
    before = follower.generation.shop
    follower.follow()
    assert len(follower.state().products) == 0
    assert follower.generation.shop > before, "no page is kept meanwhile"
    upkeep.rebuild()
    follower.follow()
    assert len(follower.state().products) == 4


@pytest.mark.django_db(transaction=True)
def test_a_worn_index_is_rebuilt_by_itself(folder, monkeypatch):
    ProductFactory()
    assert not upkeep.rebuild_if_worn(), "a small catalogue needs none"
    monkeypatch.setattr(upkeep, "INDEXED_IN_MEMORY", 0)
    assert upkeep.rebuild_if_worn()
    assert not upkeep.rebuild_if_worn()
    monkeypatch.setattr(upkeep, "CHANGES_BEFORE_REBUILD", 0)
    Product.objects.update(popularity=8)
    assert upkeep.rebuild_if_worn()


def test_the_shop_goes_on_without_the_index_and_says_so(client, monkeypatch):
    product = ProductFactory(name="Relay")

    def gone(*_args, **_kwargs):
        raise EngineUnavailable("It is gone.")

    monkeypatch.setattr(chosen(), "answer", gone)
    page = client.get("/search/?q=relay").content.decode()
    assert product.name in page
    assert "reduced comfort" in page
    assert client.get("/api/v1/products/?q=relay").json()["reduced"] is True


@pytest.mark.django_db(transaction=True)
def test_a_thread_follows_within_seconds(folder):
    from catalog.search.index.follower import Thread

    follower = Follower(folder)
    thread = Thread(follower.follow)
    thread.wait_for_first(10)
    product = ProductFactory(name="Alpha")
    deadline = time.monotonic() + 30
    while product.pk not in follower.state().products and time.monotonic() < deadline:
        time.sleep(0.05)
    thread.stop()
    assert product.pk in follower.state().products
