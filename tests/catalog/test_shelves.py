"""Collections, related products, pictures and documents, synonyms."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from catalog.forms import PictureForm, SynonymForm
from catalog.models import Collection, CollectionItem, Synonym
from catalog.services import refresh_listing
from tests.factories import CategoryFactory, ProductFactory, a_specification

pytestmark = pytest.mark.django_db


def on_sale(**traits):
    return refresh_listing(a_specification(product=ProductFactory(**traits)).product)


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
