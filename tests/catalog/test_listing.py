"""What a product's row repeats of its prices."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from catalog.models import Product
from catalog.services import refresh_listing
from koogallery.kernel.books import breaches
from tests.factories import a_specification

pytestmark = pytest.mark.django_db

LISTED = ("billing_modes", "has_several_prices", "lowest_price", "lowest_price_mode", "lowest_price_unit", "currency")


def test_listings_of_before_lose_the_pay_per_use_that_nobody_can_order():
    both = a_specification(saas=True, prices={"monthly": "5.00", "pay_per_use": "0.37"}).product
    only = a_specification(saas=True, prices={"pay_per_use": "0.37"}).product
    image = a_specification(image=True, prices={"monthly": "5.00", "pay_per_use": "0.37"}).product
    Product.objects.update(billing_modes=["monthly", "pay_per_use"], has_several_prices=True, lowest_price=5,
                           lowest_price_mode="monthly", lowest_price_unit="month")  # fmt: skip
    Product.objects.filter(pk=only.pk).update(
        billing_modes=["pay_per_use"], has_several_prices=False, lowest_price="0.37", lowest_price_mode="pay_per_use",
        lowest_price_unit="hour",
    )  # fmt: skip
    assert {one.invariant.name for one in breaches()} == {"listing_repeats_prices"}

    change = import_module("catalog.migrations.0012_modes_on_sale")
    with connection.schema_editor() as editor:
        change.leave_out_what_nobody_can_order(apps, editor)

    assert not list(breaches())
    for product in (both, only, image):
        migrated = Product.objects.values(*LISTED).get(pk=product.pk)
        refresh_listing(product)
        assert migrated == Product.objects.values(*LISTED).get(pk=product.pk)
