"""Comparing, collections, related products, pictures, the saved list and its undo."""

import re
from decimal import Decimal
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from catalog.forms import PictureForm, SynonymForm
from catalog.models import Collection, CollectionItem, Product, SavedProduct, Synonym
from catalog.services import refresh_listing
from tests.factories import CategoryFactory, MembershipFactory, ProductFactory, a_specification

pytestmark = pytest.mark.django_db


def on_sale(**traits):
    return refresh_listing(a_specification(product=ProductFactory(**traits)).product)


def test_up_to_four_products_side_by_side(client):
    first, second = on_sale(name="Alpha", version="V1.0"), on_sale(name="Beta", version="V2.0")
    page = client.get("/compare/", {"product": [first.slug, second.slug, first.slug]}).content.decode()
    assert page.count('<th scope="col">') == 3
    assert "V2.0" in page
    assert page.count(">differs<") >= 1
    only = client.get("/compare/", {"product": [first.slug, second.slug], "differences": "1"}).content.decode()
    assert "V2.0" in only
    assert "Delivery Methods</th>" not in only
    assert 'name="robots" content="noindex' in page


def test_a_fifth_and_an_unknown_product_are_left_out_and_named(client):
    slugs = [on_sale().slug for _one in range(5)]
    page = client.get("/compare/", {"product": slugs}).content.decode()
    assert f"Left out: {slugs[4]}" in page
    page = client.get("/compare/", {"product": [slugs[0], "nobody"]}).content.decode()
    assert "Not on sale, and left out: nobody" in page
    assert client.get("/compare/", {"product": ["x" * 500] * 500}).status_code == 200
    assert "Nothing to compare yet." in client.get("/compare/").content.decode()


def test_a_product_is_added_to_the_comparison_by_a_search(client):
    first, second = on_sale(name="Alpha Relay"), on_sale(name="Beta Relay")
    page = client.get("/compare/", {"product": first.slug, "add": "relay"}).content.decode()
    assert f"product={first.slug}&amp;product={second.slug}" in page


def test_collections_stand_on_home_and_category_pages(client):
    first, hidden = on_sale(name="Shown"), on_sale(name="Hidden", public_sales=False)
    home = Collection.objects.create(slug="featured", title="Featured things")
    own = Collection.objects.create(slug="own", title="Of this category", category=first.category)
    for collection in (home, own):
        for product in (first, hidden):
            CollectionItem.objects.create(collection=collection, product=product)
    assert "Featured things" in client.get("/").content.decode()
    assert "Of this category" not in client.get("/").content.decode()
    page = client.get(f"/categories/{first.category.slug}/").content.decode()
    assert "Of this category" in page
    assert "Of this category" not in client.get(f"/categories/{first.category.slug}/?pricing=monthly").content.decode()
    page = client.get("/collections/featured/").content.decode()
    assert "Shown" in page
    assert "Hidden" not in page
    Collection.objects.update(published=False)
    assert client.get("/collections/featured/").status_code == 404


def test_related_products_are_of_the_category_and_on_sale(client):
    category = CategoryFactory()
    product = on_sale(category=category)
    near = on_sale(category=category, name="Near Relative")
    on_sale(name="Far Stranger")
    on_sale(category=category, name="Unlisted Cousin", public_sales=False)
    page = client.get(f"/products/{product.slug}/").content.decode()
    assert near.name in page
    assert "Far Stranger" not in page
    assert "Unlisted Cousin" not in page


@pytest.fixture
def buyer(client):
    membership = MembershipFactory()
    client.force_login(membership.user)
    return client


def test_a_removal_is_undone_as_it_was(buyer):
    product = on_sale()
    buyer.post(f"/my/saved/{product.slug}/")
    before = SavedProduct.objects.values("saved_at", "price_then", "saved_by").get()
    page = buyer.post(f"/my/saved/{product.slug}/remove/", follow=True).content.decode()
    assert not SavedProduct.objects.exists()
    token = re.search(r'name="removed" value="([^"]+)"', page)[1]
    for _twice in range(2):
        assert buyer.post("/my/saved/undo/", {"removed": token}).status_code == 302
        assert SavedProduct.objects.values("saved_at", "price_then", "saved_by").get() == before
    assert buyer.post("/my/saved/undo/", {"removed": token + "x"}).status_code in (302, 404)
    assert SavedProduct.objects.count() == 1


def test_a_removal_of_another_account_is_not_undone(buyer):
    product = on_sale()
    buyer.post(f"/my/saved/{product.slug}/")
    page = buyer.post(f"/my/saved/{product.slug}/remove/", follow=True).content.decode()
    token = re.search(r'name="removed" value="([^"]+)"', page)[1]
    buyer.force_login(MembershipFactory().user)
    buyer.post("/my/saved/undo/", {"removed": token})
    assert not SavedProduct.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [("2", "more than when you saved it"), ("-2", "less than when you saved it"), ("0", "Unchanged")],
)
def test_the_price_change_is_said_in_words(buyer, change, words):
    product = on_sale()
    buyer.post(f"/my/saved/{product.slug}/")
    Product.objects.update(lowest_price=product.lowest_price + Decimal(change))
    assert words in buyer.get("/my/saved/").content.decode()


def test_what_is_taken_down_cannot_be_bought_from_the_list(buyer):
    product = on_sale()
    buyer.post(f"/my/saved/{product.slug}/")
    Product.objects.update(status="taken_down")
    page = buyer.get("/my/saved/").content.decode()
    assert "No longer sold" in page
    assert "#pricing" not in page


def a_picture(kind="PNG", size=(20, 10)):
    out = BytesIO()
    Image.new("RGB", size).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "good"),
    [
        (a_picture(), True), (a_picture("JPEG"), True), (a_picture("WEBP"), True), (a_picture("GIF"), False), (a_picture()[:40], False),
        (b"<svg onload=alert(1)>", False), (a_picture(size=(4001, 1)), False), (a_picture() + b"\0" * (2 * 2**20), False),
    ],
)  # fmt: skip
def test_pictures_are_judged_by_their_content(content, good):
    product = ProductFactory()
    form = PictureForm({"position": 0, "alt": "A chart"}, {"picture": SimpleUploadedFile("shown.png", content)})
    form.instance.product = product
    assert form.is_valid() is good, form.errors
    if good:
        saved = form.save()
        assert (saved.width, saved.height) == (20, 10)


def test_documents_come_as_downloads_that_run_nothing(client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    product = on_sale()
    document = product.documents.create(title="How to", kind="guide", file=SimpleUploadedFile("a.txt", b"<script>"))
    assert "How to" in client.get(f"/products/{product.slug}/").content.decode()
    answer = client.get(f"/products/{product.slug}/documents/{document.pk}/")
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    other = on_sale()
    assert client.get(f"/products/{other.slug}/documents/{document.pk}/").status_code == 404


def test_a_word_has_its_synonyms_in_one_group():
    Synonym.objects.create(words="crm, customers")
    assert SynonymForm({"words": "k8s, kubernetes"}).is_valid()
    assert not SynonymForm({"words": "CRM, sales"}).is_valid()
    assert not SynonymForm({"words": "alone"}).is_valid()
