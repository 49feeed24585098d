"""Reads that are compiled once give what the queryset gives, whatever the values."""

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.transaction import TransactionManagementError

from catalog.models import Attribute, Price, Product, Specification
from koogallery.kernel.compiled import Children, Compiled, OneOf, Param
from tests.factories import ProductFactory, a_specification

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True, params=[True, False], ids=["prepared", "plain"])
def prepared(request, settings):
    settings.DATABASE_PREPARED_READS = request.param


def by_number() -> "Compiled[Specification]":
    return Compiled(
        lambda: Specification.objects.select_related("product__seller").filter(pk=Param("pk"), removed_at=None)
    )


def with_prices() -> "Compiled[Specification]":
    prices = Compiled(lambda: Price.objects.filter(OneOf(F("specification_id"), Param("parents"))))
    return Compiled(
        lambda: Specification.objects.filter(product__status=Param("status")),
        children=[Children("prices", "specification", prices)],
    )


def test_it_gives_the_same_object_with_its_related_ones(django_assert_num_queries):
    one, other = a_specification(), a_specification()
    read = by_number()

    read.get(pk=other.pk)
    with django_assert_num_queries(1):
        found = read.get(pk=one.pk)
        names = (found.product.name, found.product.seller.name)

    plain = Specification.objects.select_related("product__seller").get(pk=one.pk)
    fields = [field.attname for field in Specification._meta.concrete_fields]
    assert [getattr(found, name) for name in fields] == [getattr(plain, name) for name in fields]
    assert names == (plain.product.name, plain.product.seller.name)
    assert found == plain
    assert not found._state.adding


def test_columns_are_converted_as_the_queryset_converts_them():
    price = a_specification().prices.get()

    found = Compiled(lambda: Price.objects.filter(pk=Param("pk"))).get(pk=price.pk)

    assert found.amount == price.amount
    assert type(found.surcharges) is type(Price.objects.get(pk=price.pk).surcharges)


def test_a_deferred_column_is_read_when_it_is_asked_for(django_assert_num_queries):
    product = ProductFactory(description="Long.")
    read = Compiled(lambda: Product.objects.defer("description").filter(pk=Param("pk")))

    found = read.get(pk=product.pk)

    with django_assert_num_queries(1):
        assert found.description == "Long."


def test_tuples_annotations_and_slices():
    first, second = a_specification(), a_specification()
    read = Compiled(lambda: Specification.objects.order_by("-pk").filter(pk__gte=Param("least")).values_list("pk")[:1])
    named = Compiled(lambda: Specification.objects.annotate(of=F("product__name")).filter(pk=Param("pk")))

    assert read.all(least=first.pk) == [(second.pk,)]
    assert read.first(least=second.pk + 1) is None
    assert named.get(pk=first.pk).of == first.product.name


def test_children_hang_below_their_parents(django_assert_num_queries):
    one, other = a_specification(), a_specification()
    Attribute.objects.create(specification=one, code="x", name="X", kind="choice", choices=[], default="")
    read = with_prices()

    with django_assert_num_queries(2):
        rows = {row.pk: row for row in read.all(status="published")}
        prices = {pk: [price.amount for price in row.prices.all()] for pk, row in rows.items()}
        assert rows[one.pk].prices.all()[0].specification is rows[one.pk]

    assert prices == {row.pk: [price.amount for price in row.prices.all()] for row in (one, other)}
    with django_assert_num_queries(1):
        assert read.all(status="draft") == []


def test_get_refuses_none_and_several():
    a_specification(), a_specification()
    read = Compiled(lambda: Specification.objects.filter(pk__gt=Param("least")))

    with pytest.raises(Specification.MultipleObjectsReturned):
        read.get(least=0)
    with pytest.raises(Specification.DoesNotExist):
        read.get(least=10**9)
    with pytest.raises(KeyError):
        read.get()


def test_a_value_is_never_part_of_the_statement():
    product = ProductFactory()
    read = Compiled(lambda: Product.objects.filter(slug=Param("slug")))

    assert read.first(slug=f"{product.slug}' OR '1'='1") is None
    assert read.get(slug=product.slug) == product


def test_what_must_not_be_compiled_is_refused():
    with pytest.raises(ValueError, match="children"):
        Compiled(lambda: Specification.objects.prefetch_related("prices")).all()


@pytest.mark.django_db(transaction=True)
def test_a_lock_needs_a_transaction():
    specification = a_specification()
    read = Compiled(lambda: Specification.objects.select_for_update(of=("self",)).filter(pk=Param("pk")))

    with transaction.atomic():
        assert read.get(pk=specification.pk) == specification
    with pytest.raises(TransactionManagementError):
        read.get(pk=specification.pk)


@pytest.mark.django_db(transaction=True)
def test_it_survives_a_roll_back_and_a_new_connection():
    specification = a_specification()
    read = by_number()
    with transaction.atomic():
        read.get(pk=specification.pk)
        transaction.set_rollback(True)

    assert read.get(pk=specification.pk) == specification
    connection.close()
    assert read.get(pk=specification.pk) == specification
