"""What holds for every template: the strict CSP, documented components, a story page, formats of the guide."""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template import Context, RequestContext, Template, TemplateSyntaxError
from django.template.loader import get_template, render_to_string
from django.test import RequestFactory
from django.utils import timezone
from django.utils.safestring import mark_safe

from koogallery.kernel.money import Money
from koogallery.kernel.templatetags.kg import MOST_RENDERED
from koogallery.kernel.web import badges, formats, tiles
from koogallery.kernel.web.parts import ProductCard
from koogallery.kernel.web.styleguide import SampleForm, samples

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
COMPONENTS = sorted((ROOT / "templates" / "components").glob("*.html"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
AT = datetime(2026, 11, 22, 1, 40, 11, tzinfo=UTC)

FORBIDDEN = {
    "an inline style": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "an inline handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "an inline script": re.compile(r"<script(?![^>]*\ssrc=)(?! type=\"application/ld\+json\">)[^>]*>", re.IGNORECASE),
    "a javascript address": re.compile(r"javascript:", re.IGNORECASE),
    "another host": re.compile(r"""(?:src|action)=["']https?://""", re.IGNORECASE),
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT / "templates").as_posix()


def page_request(path: str = "/styleguide/") -> HttpRequest:
    request = RequestFactory().get(path)
    request.user = AnonymousUser()
    return request


@pytest.fixture
def singapore() -> Iterator[None]:
    with timezone.override("Asia/Singapore"):
        yield


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_template_holds_nothing_that_the_csp_forbids(path: Path):
    text = re.sub(r"\{#.*?#\}", "", path.read_text())
    # Tags may stand inside attributes; what matters is the markup around them.
    text = re.sub(r"\{%.*?%\}", "", text, flags=re.DOTALL)
    found = [what for what, pattern in FORBIDDEN.items() if pattern.search(text)]
    assert not found, f"{path.name} holds {', '.join(found)}"


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_template_compiles(path: Path):
    get_template(name_of(path))


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_component_says_its_parameters_in_its_first_line(path: Path):
    first = path.read_text().splitlines()[0]
    assert re.fullmatch(r"\{# .{30,} #\}", first)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_script_evaluates_no_text(path: Path):
    text = path.read_text()
    assert not re.search(r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_imports_one_whose_address_carries_a_hash(path: Path):
    entries = {"app.js", "theme-first.js"}
    imported = set(re.findall(r"""["']\./([a-z-]+\.js)["']""", path.read_text()))
    assert not imported & entries
    assert all((path.parent / name).exists() for name in imported)


def test_every_icon_that_a_template_names_is_in_the_sprite():
    sprite = (ROOT / "static" / "vendor" / "icons" / "icons.svg").read_text()
    drawn = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    named = {
        icon
        for path in TEMPLATES
        for icon in re.findall(r'\{% icon "([a-z0-9-]+)"|icon="([a-z0-9-]+)"', path.read_text())
        for icon in icon
        if icon
    }
    assert named <= drawn, named - drawn


def test_every_registered_badge_has_its_icon_in_the_sprite():
    sprite = (ROOT / "static" / "vendor" / "icons" / "icons.svg").read_text()
    missing = [
        (kind, status, look.icon)
        for kind, looks in badges.registered().items()
        for status, look in looks
        if f'<symbol id="{look.icon}"' not in sprite
    ]
    assert not missing


def test_vendored_files_are_those_of_the_lock():
    static = ROOT / "static"
    lock = {entry["file"]: entry for entry in json.loads((static / "vendor.lock").read_text())}
    present = {path.relative_to(static).as_posix() for path in (static / "vendor").rglob("*") if path.is_file()}
    assert present == set(lock)
    for name, entry in lock.items():
        assert hashlib.sha256((static / name).read_bytes()).hexdigest() == entry["sha256"], name
        assert entry["version"], name
        assert entry["licence"], name


def test_story_page_shows_every_component():
    shown = render_to_string("styleguide/index.html", samples(AT), request=page_request())
    sources = "".join(path.read_text() for path in TEMPLATES)
    for needle in ("There is a problem", "Payment successful", "Operation Records", "Cost Details", "Total results:"):
        assert needle in shown
    unused = [
        path.stem
        for path in COMPONENTS
        if not re.search(rf'components/{path.stem}\.html|component "{path.stem}"', sources)
    ]
    used_by_tags = {"badge", "price", "countdown", "field", "error_summary", "kv", "pager"}
    assert set(unused) - used_by_tags <= {"confirm_page"}


def test_page_for_a_visitor_carries_no_form_token():
    shown = render_to_string("styleguide/index.html", samples(AT), request=page_request())
    assert "csrfmiddlewaretoken" not in shown
    assert 'method="post"' not in shown


def test_link_to_a_page_that_does_not_exist_is_not_printed():
    shown = Template(
        '{% load kg %}{% nav_link "nowhere:page" "Nowhere" %}{% nav_url "nowhere:page" as u %}[{{ u }}]'
    ).render(Context({"request": page_request()}))
    assert shown.strip() == "[]"


def test_group_without_links_prints_no_heading():
    shown = Template(
        '{% load kg %}{% nav_group "Empty" %} {% nav_link "nowhere:page" "X" %} {% endnav_group %}'
    ).render(Context({"request": page_request()}))
    assert shown == ""


@pytest.mark.parametrize(
    ("amount", "currency", "unit", "shown"),
    [
        ("5", "USD", "", "$5.00 USD"),
        ("5", "USD", "month", "$5.00 USD/month"),
        ("1234.5", "USD", "", "$1,234.50 USD"),
        ("0.0136", "USD", "hour", "$0.0136 USD/hour"),
        ("-1.5", "USD", "", "-$1.50 USD"),
        ("1500", "JPY", "", "¥1,500 JPY"),
        ("12.5", "CHF", "year", "12.50 CHF/year"),
    ],
)
def test_price_is_printed_as_in_the_guide(amount: str, currency: str, unit: str, shown: str):
    assert formats.price_text(Money(Decimal(amount), currency), unit) == shown


@pytest.mark.parametrize(
    ("style", "shown"),
    [
        ("full", "Nov 22, 2026 09:40:11 GMT+08:00"),
        ("seconds", "Nov 22, 2026 09:40:11"),
        ("minute", "Nov 22, 2026 09:40"),
        ("date", "Nov 22, 2026"),
        ("short", "Nov 22, 09:40"),
    ],
)
def test_time_is_printed_as_in_the_guide(singapore: None, style: str, shown: str):
    assert formats.time_text(AT, style) == shown


def test_time_carries_its_machine_form(singapore: None):
    shown = Template("{% load kg %}{% local_time at %}").render(Context({"at": AT}))
    assert 'datetime="2026-11-22T09:40:11+08:00"' in shown


def test_time_west_of_greenwich_with_half_an_hour():
    with timezone.override("America/St_Johns"):
        assert formats.time_text(AT).endswith("GMT-03:30")


@pytest.mark.parametrize(
    ("size", "shown"),
    [(1, "1 byte"), (900, "900 bytes"), (421_888, "412 KB"), (52_428_800, "50.0 MB"), (3 * 1024**3, "3.0 GB")],
)
def test_size_is_printed_for_people(size: int, shown: str):
    assert formats.size_text(size) == shown


@pytest.mark.parametrize(
    ("rest", "shown"),
    [
        (timedelta(days=35, hours=4), "35 days"),
        (timedelta(days=1, hours=4), "1 day 4 h"),
        (timedelta(hours=9, minutes=12), "9 h 12 min"),
        (timedelta(seconds=90), "1 min"),
        (timedelta(seconds=-5), "0 min"),
    ],
)
def test_rest_is_printed_coarsely(rest: timedelta, shown: str):
    assert formats.rest_text(rest) == shown


def test_refused_field_names_its_error_to_a_screen_reader():
    form = SampleForm({"email": "mara(at)alder"})
    shown = Template("{% load kg %}{% field form.email autocomplete='email' %}").render(Context({"form": form}))
    assert 'aria-invalid="true"' in shown
    assert 'aria-describedby="id_email_error"' in shown
    assert 'id="id_email_error"' in shown
    assert 'autocomplete="email"' in shown


def test_error_summary_names_the_field_when_several_are_missing():
    form = SampleForm({})
    shown = Template("{% load kg %}{% error_summary form %}").render(Context({"form": form}))
    assert "There is a problem" in shown
    assert '<a href="#id_company">Company name: This field is required.</a>' in shown


def test_error_summary_is_silent_without_errors():
    shown = Template("{% load kg %}{% error_summary form %}").render(Context({"form": SampleForm()}))
    assert shown.strip() == ""


def test_markup_in_names_is_printed_and_not_run():
    card = ProductCard(name="<script>x</script>", url="#")
    shown = render_to_string("components/product_card.html", {"product": card})
    assert "<script>" not in shown


def test_tile_of_a_name_is_the_same_everywhere_and_harmless():
    assert tiles.generated("Alder Health") == tiles.generated("Alder Health")
    assert "<script" not in tiles.generated('"><script>alert(1)</script>')


def test_unknown_status_is_shown_in_its_own_words():
    shown = Template('{% load kg %}{% status_badge "no such kind" "in_progress" %}').render(Context())
    assert "In progress" in shown


def test_component_refuses_what_is_no_parameter():
    with pytest.raises(TemplateSyntaxError):
        Template('{% load kg %}{% component "panel" title %}{% endcomponent %}')


def test_pager_keeps_the_rest_of_the_address():
    page = Paginator(range(100), 10).page(2)
    shown = Template("{% load kg %}{% pager page %}").render(
        RequestContext(page_request("/products/?q=crm&page=2"), {"page": page})
    )
    assert "?q=crm&amp;page=3" in shown
    assert "11–20 of 100" in shown


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 429, 500, 503])
def test_error_page_says_what_to_do(status: int):
    shown = render_to_string("errors/error.html", {"status": status, "reference": "REF1"}, request=page_request())
    assert "<h1>" in shown
    assert "REF1" in shown


@pytest.mark.parametrize("name", ["500.html", "503.html"])
def test_page_of_a_fault_needs_no_context(name: str):
    assert "<h1>" in render_to_string(name)


def test_a_fixed_part_is_kept_by_all_that_its_values_hold():
    part = Template("{% load kg %}{% fixed card=card rows=rows %}{{ card.name }}: {{ rows.0.n }}{% endfixed %}")

    def shown(name: object, number: object) -> str:
        return part.render(Context({"card": ProductCard(name=name, url="#"), "rows": [{"n": number}]}))  # type: ignore[arg-type]

    assert [shown("A & B", 1), shown("A & B", 2), shown("C", 2), shown("A & B", 1)] == [
        "A &amp; B: 1", "A &amp; B: 2", "C: 2", "A &amp; B: 1",
    ]  # fmt: skip
    for number in (True, Decimal("2.0"), Decimal("2.00")):
        assert shown("C", number) == f"C: {number}", "equal to what was printed before, and printed otherwise"
    assert shown(mark_safe("A & B"), 1) == "A & B: 1"
    assert shown("A & B", 1) == "A &amp; B: 1"


def test_a_fixed_part_is_never_kept_by_the_name_of_a_row():
    part = Template("{% load kg %}{% fixed user=user %}{{ user.email }}{% endfixed %}")
    with pytest.raises(TypeError, match="given values, not AnonymousUser"):
        part.render(Context({"user": AnonymousUser()}))


def test_a_fixed_part_keeps_only_so_many():
    part = Template("{% load kg %}{% fixed n=n %}{{ n }}{% endfixed %}")
    node = part.nodelist[1]
    for number in range(5 * MOST_RENDERED):
        assert part.render(Context({"n": number})) == str(number)
    assert len(node.rendered) + len(node.before) <= 2 * MOST_RENDERED
