"""The catalogue as data: in, out, the same again; bad rows named; a killed run goes on."""

import io
import json
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from django.core.management import call_command

from catalog.exchange.importing import import_products
from catalog.exchange.reading import GoodRow, read_rows
from catalog.exchange.writing import export_products
from catalog.models import ImportRun, Price, Product, Specification
from demo.catalogue import load_sellers
from koogallery.kernel import clock
from tests.factories import CategoryFactory, SellerFactory
from tests.processes import environment

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]


def a_row(**changed):
    row = {
        "slug": "relay", "seller": "acme", "category": "tools", "name": "Relay", "delivery_method": "license", "supervised": True,
        "flow_type": "license", "status": "published", "operating_systems": ["linux"],
        "specifications": [{"code": "one", "name": "One", "prices": [{"billing_mode": "monthly", "amount": "5.00"}]}],
    }  # fmt: skip
    return row | changed


@pytest.fixture
def shop():
    SellerFactory(slug="acme")
    CategoryFactory(slug="tools")


def take_in(tmp_path, *rows, **options):
    file = tmp_path / "products.jsonl"
    file.write_text(
        "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n", encoding="utf-8"
    )
    faults = []
    done = import_products(file, "jsonl", faults.append, **options)
    return done, faults


def test_a_product_comes_in_with_everything(shop, tmp_path):
    done, faults = take_in(tmp_path, a_row(tagline='Fast\tand \\ "quoted"', highlights=['a "b"', "c,d", "{e}"]))
    product = Product.objects.get()
    assert (done.imported, faults) == (1, [])
    assert (product.tagline, product.highlights) == ('Fast\tand \\ "quoted"', ['a "b"', "c,d", "{e}"])
    assert (product.status, product.billing_modes, str(product.lowest_price)) == (
        "published",
        ["monthly"],
        "5.00000000",
    )
    assert product.get_absolute_url() == "/products/relay/"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"slug": "a b"}, "slug"), ({"name": ""}, "name"), ({"name": "x" * 121}, "name"), ({"name": "a\u202eb"}, "name"), ({"name": 5}, "name"),
        ({"name": "a\u0000"}, "name"), ({"seller": "nobody"}, "seller"), ({"category": "none"}, "category"), ({"delivery_method": "ecs"}, "delivery_method"),
        ({"supervised": False, "flow_type": ""}, "supervised"), ({"supervised": "yes"}, "supervised"), ({"flow_type": ""}, "flow_type"),
        ({"popularity": -1}, "popularity"), ({"popularity": 2**31}, "popularity"), ({"status": "taken_down"}, "status"), ({"price": 1}, "price"),
        ({"operating_systems": ["dos"]}, "operating_systems.0"), ({"specifications": []}, "specifications"), ({"published_at": "Feb 30"}, "published_at"),
        ({"specifications": [{"code": "one", "name": "One", "prices": []}]}, "specifications.0.prices"),
        *[
            ({"specifications": [{"code": "one", "name": "One", "prices": [{"billing_mode": "monthly", "amount": amount}]}]}, "specifications.0.prices.0.amount")
            for amount in ("-1", "NaN", "1e400", "9" * 30, "", None, [])
        ],
        ({"specifications": [{"code": "one", "name": "One", "prices": [{"billing_mode": "monthly", "amount": "1", "per": "users"}]}]}, "specifications.0.prices"),
        ({"support_email": "nobody"}, "support_email"), ({"guide_url": "javascript:alert(1)"}, "guide_url"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_and_the_others_come_in(shop, tmp_path, changed, field):
    done, faults = take_in(tmp_path, a_row(slug="before"), a_row(**changed), a_row(slug="after"))
    assert {one.slug for one in Product.objects.all()} == {"before", "after"}
    assert (faults[0].line, faults[0].field) == (2, field)
    assert done.imported == 2


@pytest.mark.parametrize(
    "line", ["{", "[]", "nonsense", '{"slug": "a", "slug": "b"}', '{"popularity": NaN}', "[" * 10_000, '"text"']
)
def test_a_line_that_is_no_object_is_named(shop, tmp_path, line):
    done, faults = take_in(tmp_path, line, a_row())
    assert (done.imported, faults[0].line, faults[0].field) == (1, 1, "")


def test_importing_again_changes_what_is_known_and_deletes_nothing(shop, tmp_path):
    take_in(tmp_path, a_row())
    two = [{"code": "two", "name": "Two", "prices": [{"billing_mode": "yearly", "amount": "50"}]}]
    take_in(tmp_path, a_row(name="Relay 2", status="draft", specifications=two))
    product = Product.objects.get()
    assert (product.name, product.status, product.billing_modes) == ("Relay 2", "published", ["yearly"])
    assert {one.code: one.removed_at is None for one in Specification.objects.all()} == {"one": False, "two": True}
    assert Price.objects.count() == 2


def test_a_product_of_another_seller_is_left_alone(shop, tmp_path):
    take_in(tmp_path, a_row())
    SellerFactory(slug="thief")
    done, faults = take_in(tmp_path, a_row(seller="thief", name="Stolen"))
    assert (done.imported, faults[0].field, Product.objects.get().name) == (0, "slug", "Relay")


def test_a_dry_run_reports_and_changes_nothing(shop, tmp_path):
    done, faults = take_in(tmp_path, a_row(), a_row(slug="x", seller="nobody"), dry_run=True)
    assert (done.imported, len(faults)) == (1, 1)
    assert not Product.objects.exists()
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_what_was_exported_comes_in_as_it_was(tmp_path, kind):
    load_sellers(clock.now(), lambda *_progress: None)
    Product.objects.filter(slug="northwind-pulse").update(
        tagline="=1+1", support_hotline="+65 1", name="'quoted", description="@x\n-y"
    )
    first, file = io.StringIO(), tmp_path / f"all.{kind}"
    number = export_products(first, kind)
    assert number == Product.objects.count()
    file.write_text(first.getvalue(), encoding="utf-8")
    faults = []
    assert import_products(file, kind, faults.append).imported == number
    assert faults == []
    second = io.StringIO()
    export_products(second, kind)
    assert second.getvalue() == first.getvalue()
    if kind == "csv":
        assert "\n=" not in first.getvalue()
        assert ",=" not in first.getvalue()
    call_command("check_books", stdout=io.StringIO())


@pytest.mark.django_db(transaction=True)
def test_a_killed_import_goes_on_where_it_stopped(shop, tmp_path):
    file = tmp_path / "many.jsonl"
    file.write_text(
        "".join(json.dumps(a_row(slug=f"relay-{n}", name=f"Relay {n}")) + "\n" for n in range(3_000)), encoding="utf-8"
    )
    command = [sys.executable, str(ROOT / "manage.py"), "import_products", str(file), "--resume"]
    own = environment()
    process = subprocess.Popen(command, env=own, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not Product.objects.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = Product.objects.count()
    assert 0 < there < 3_000, process.stderr.read()
    again = subprocess.run(command, env=own, cwd=ROOT, capture_output=True, text=True, check=False)
    assert f"Went on behind line {there}." in again.stdout, again.stdout + again.stderr
    assert Product.objects.count() == 3_000
    assert Specification.objects.count() == 3_000


def test_reading_takes_the_same_memory_for_a_long_file(tmp_path):
    def peak(rows):
        file = tmp_path / f"{rows}.jsonl"
        with file.open("w") as out:
            for number in range(rows):
                out.write(json.dumps(a_row(slug=f"relay-{number}")) + "\n")
        tracemalloc.start()
        with file.open("rb") as opened:
            assert sum(isinstance(row, GoodRow) for row in read_rows(opened, "jsonl")) == rows
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(1_000) < peak(100) + 500_000
