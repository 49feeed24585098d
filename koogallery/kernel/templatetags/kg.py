"""Template tags of every page: icons, links that exist, formats, badges, form fields and components.

A component is one file in `templates/components/`; its first line names its parameters. Small ones are included
(`{% include "components/empty_state.html" with title=... only %}`), those that wrap content are blocks:

    {% component "panel" title=_("Service Information") %}
      {% slot "actions" %}<a ...>...</a>{% endslot %}
      ...
    {% endcomponent %}
"""

import base64
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import template
from django.core.paginator import Page
from django.forms import BaseForm, BoundField
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.templatetags.i18n import do_translate
from django.templatetags.static import static
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from koogallery.kernel import clock
from koogallery.kernel.money import Money
from koogallery.kernel.web import badges, formats, tiles
from koogallery.kernel.web.fields import FieldLook, look_of

register = template.Library()

SPRITE = "vendor/icons/icons.svg"
# A fixed part of a page is kept for so many different values.
MOST_RENDERED = 200


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """A decoration from the sprite, hidden from screen readers: the words beside it carry the meaning."""
    return _icon(name, classes)


@lru_cache(maxsize=1_000)
def _icon(name: str, classes: str) -> SafeString:
    return format_html(
        '<svg class="ic {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        classes,
        static(SPRITE),
        name,
    )


# Links ---------------------------------------------------------------------------------------------------------------


def _reverse(name: str, args: tuple[Any, ...] = ()) -> str:
    if not args:
        return _page(name, get_script_prefix())
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


@lru_cache(maxsize=1_000)
def _page(name: str, _prefix: str) -> str:
    """The address of a page that has only one; every page's navigation asks for thirty of them."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


@register.simple_tag
def nav_url(name: str, *args: Any) -> str:
    """The address of a page, or "" while that page does not exist: navigation never links to nothing."""
    return _reverse(name, args)


def _path(context: Context) -> str:
    request = context.get("request")
    return request.path if request is not None else ""


@register.simple_tag(takes_context=True)
def nav_link(
    context: Context,
    name: str,
    label: str,
    icon: str = "",
    count: int | str | None = None,
    count_label: str = "",
    exact: bool = False,
) -> SafeString:
    """One entry of a navigation list. Marks the current page, and its parent unless `exact`; prints nothing when
    the page does not exist yet. `count_label` is read after the count, which is shown unless 0."""
    url, path = _reverse(name), _path(context)
    if not url:
        return SafeString()
    current = "page" if path == url else "true" if not exact and path.startswith(url) else ""
    return _nav_link(url, _once(label), icon, count, _once(count_label), current)


# Typed, so that words that are marked as safe are not taken for the same words that are not.
@lru_cache(maxsize=2_000, typed=True)
def _nav_link(url: str, label: str, icon: str, count: int | str | None, count_label: str, current: str) -> SafeString:
    spoken = format_html('<span class="visually-hidden"> {}</span>', count_label) if count and count_label else ""
    return format_html(
        '<li><a href="{}"{}>{}{}{}</a></li>',
        url,
        format_html(' aria-current="{}"', current) if current else "",
        _icon(icon, "") if icon else "",
        label,
        format_html('<span class="n">{}{}</span>', count, spoken) if count else "",
    )


class NavGroupNode(template.Node):
    def __init__(self, title: FilterExpression, nodelist: NodeList) -> None:
        self.title = title
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        links = self.nodelist.render(context)
        if not links.strip():
            return mark_safe("")
        return format_html('<p class="side-t">{}</p><ul>{}</ul>', self.title.resolve(context), links)


@register.tag
def nav_group(parser: Parser, token: Token) -> NavGroupNode:
    """`{% nav_group title %}` links `{% endnav_group %}`: a headed list that vanishes when it has no links."""
    title = parser.compile_filter(token.split_contents()[1])
    nodelist = parser.parse(("endnav_group",))
    parser.delete_first_token()
    return NavGroupNode(title, nodelist)


@register.simple_tag
def crumb(label: str, name: str = "", *args: Any) -> SafeString:
    """One step of the breadcrumb: a link to the page `name`, or the current page when no name is given."""
    url = _reverse(name, args) if name else ""
    if url:
        return format_html('<li><a href="{}">{}</a></li>', url, label)
    return format_html('<li aria-current="page">{}</li>', label) if not name else format_html("<li>{}</li>", label)


def _by_value(value: Any) -> Any:
    """What a value is printed from, to be compared: all of it, and never only the name of a row.

    Raises:
        TypeError: it cannot be compared by what it holds.
    """
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, str | Promise | int | Decimal):
        return type(value).__name__, str(value)
    if isinstance(value, list | tuple):
        return tuple(map(_by_value, value))
    if isinstance(value, Mapping):
        return tuple((key, _by_value(one)) for key, one in value.items())
    if is_dataclass(value):
        return type(value), *(_by_value(getattr(value, one.name)) for one in fields(value))
    raise TypeError(f"A fixed part of a page is given values, not {type(value).__name__}.")


# Those of which two that are equal print the same; 1.0 and 1.00, 1 and True do not.
_PLAIN = frozenset({str, int, datetime, date, timedelta})


class FixedNode(template.Node):
    def __init__(self, nodelist: NodeList, options: dict[str, FilterExpression]) -> None:
        self.nodelist = nodelist
        self.options = options
        # What was used of late, and before: of either at most so much that old values go in time.
        self.rendered: dict[tuple[Any, ...], SafeString] = {}
        self.before: dict[tuple[Any, ...], SafeString] = {}

    def render(self, context: Context) -> SafeString:
        values = {name: option.resolve(context) for name, option in self.options.items()}
        key = (get_language(), get_script_prefix(), *map(type, values.values()), *map(_by_value, values.values()))
        known = self.rendered.get(key)
        if known is None:
            known = self.before.get(key) or self.nodelist.render(context.new(values))
            if len(self.rendered) >= MOST_RENDERED:
                self.rendered, self.before = {}, self.rendered
            self.rendered[key] = known
        return known


@register.tag
def fixed(parser: Parser, token: Token) -> FixedNode:
    """`{% fixed %}` content `{% endfixed %}`: the same for every visitor and page but for the language, so that a
    process renders it once. The content sees no context: what depends on anything else shows at once that it is missing.

    `{% fixed zone=site.time_zone_label %}`: once for each value, which it sees. Values are texts, numbers, times, and lists,
    mappings and dataclasses of them, compared by all that they hold; the last few hundred are kept.
    """
    options = token_kwargs(token.split_contents()[1:], parser)
    nodelist = parser.parse(("endfixed",))
    parser.delete_first_token()
    return FixedNode(nodelist, options)


class WordsNode(template.Node):
    def __init__(self, node: template.Node) -> None:
        self.node = node
        self.known: dict[str | None, SafeString] = {}

    def render(self, context: Context) -> SafeString:
        language = get_language()
        words = self.known.get(language)
        if words is None:
            words = self.known[language] = mark_safe(self.node.render(context))
        return words


@register.tag
def translate(parser: Parser, token: Token) -> template.Node:
    """Django's own tag; the words for a literal are looked up once in each language."""
    node = do_translate(parser, token)
    literal = len(bits := token.split_contents()) == 2 and bits[1][0] == bits[1][-1] and bits[1][0] in "\"'"
    return WordsNode(node) if literal else node


# Formats -------------------------------------------------------------------------------------------------------------


@register.filter
def price(money: Money | None, unit: str = "") -> str:
    """`{{ total|price }}` "$5.00 USD", `{{ rate|price:"month" }}` "$5.00 USD/month"; nothing is an em dash."""
    return "—" if money is None else formats.price_text(money, unit)


@register.filter
def number(count: int) -> str:
    """A count with its thousands parted: `1,284`."""
    return formats.number_text(count)


@register.filter
def time_used(seconds: int) -> str:
    """A time of use to the second: `743 h 59 min 3 s`."""
    return formats.time_used_text(seconds)


@register.inclusion_tag("components/price.html")
def price_block(
    money: Money | None, unit: str = "", starting: bool = False, before: Money | None = None
) -> dict[str, Any]:
    """A large price: `starting` prints "From" (several specifications), `before` the price that was crossed out."""
    amount, code = formats.amount_and_code(money) if money is not None else ("", "")
    return {
        "amount": amount,
        "code": f"{code}/{unit}" if unit else code,
        "starting": starting,
        "before": formats.price_text(before) if before is not None else "",
    }


@register.simple_tag
def local_time(moment: datetime | None, style: str = "full") -> SafeString:
    """A time in the user's zone inside `<time datetime>`; the styles are those of `formats.time_text`."""
    if moment is None:
        return mark_safe("—")
    return format_html(
        '<time class="num" datetime="{}">{}</time>',
        timezone.localtime(moment).isoformat(timespec="seconds"),
        formats.time_text(moment, style),
    )


@register.filter
def size(bytes_: int) -> str:
    """A file's size: `412 KB`, `50.0 MB`."""
    return formats.size_text(bytes_)


@register.inclusion_tag("components/countdown.html")
def countdown(deadline: datetime, start: datetime | None = None, passed: str = "") -> dict[str, Any]:
    """A deadline with what is left of it. With `start` a ring shows the share that is left (decoration)."""
    rest = max(deadline - clock.now(), timedelta())
    share = 0
    if start is not None and deadline > start:
        share = max(0, min(100, round(100 * (rest / (deadline - start)))))
    return {
        "deadline": deadline,
        "rest": formats.rest_text(rest),
        "seconds": int(rest.total_seconds()),
        "ring": start is not None,
        "share": share,
        "passed": passed,
    }


# Badges and logos ----------------------------------------------------------------------------------------------------


@register.inclusion_tag("components/badge.html")
def status_badge(kind: str, status: str, label: str = "") -> dict[str, Any]:
    """The badge of a registered status (`koogallery.kernel.web.badges`): icon, colour and text."""
    look = badges.badge_for(kind, status, label)
    return {"tone": look.tone, "icon": look.icon, "label": look.label, "title": look.long_label}


@register.inclusion_tag("components/badge.html")
def badge(label: str, tone: str = "neutral", icon: str = "") -> dict[str, Any]:
    """A badge that is no status ("Service supervision", "15% off until Dec 31, 2026")."""
    return {"tone": tone, "icon": icon, "label": label, "title": ""}


@register.simple_tag
def logo(svg: str, name: str, classes: str = "") -> SafeString:
    """A product's or seller's tile. A picture from a data address can run no script and clash with no other."""
    return _logo(svg, name, classes)


@lru_cache(maxsize=1_000)
def _logo(svg: str, name: str, classes: str) -> SafeString:
    drawing = svg or tiles.generated(name)
    data = base64.b64encode(drawing.encode()).decode("ascii")
    return format_html(
        '<img class="logo {}" src="data:image/svg+xml;base64,{}" alt="" width="60" height="60">', classes, data
    )


@register.filter
def initials(name: str) -> str:
    """Up to two letters for an avatar: "Mara Okafor" gives "MO"; an address gives its first letter."""
    words = [word for word in str(name).split("@")[0].replace(".", " ").split() if word]
    return "".join(word[0] for word in [words[0], *words[1:][-1:]]).upper() if words else "?"


# Forms ---------------------------------------------------------------------------------------------------------------


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, **options: Any) -> dict[str, Any]:
    """A form field with label, hint, error and aria.

    Options: `label`, `hint` (instead of the form's), `counter` (a limit that is counted aloud), `prefix`, `suffix`,
    `compact` (label for screen readers only), any other becomes an attribute of the control (`rows=6`).
    """
    look: FieldLook = look_of(bound, options)
    return {"field": bound, "look": look}


@register.inclusion_tag("components/error_summary.html")
def error_summary(*forms: BaseForm) -> dict[str, Any]:
    """ "There is a problem", above the h1, with a link to each field; nothing when the forms have no errors."""
    found: list[tuple[str, str, str]] = []
    for form in forms:
        if not form or not form.errors:
            continue
        for name, errors in form.errors.items():
            bound = form[name] if name in form.fields else None
            anchor = (bound.id_for_label or bound.auto_id) if bound else ""
            found.extend((str(anchor), str(bound.label) if bound else "", str(error)) for error in errors)
    said = Counter(text for _anchor, _label, text in found)
    # "This field is required." four times tells nobody which: then the label stands before it.
    items = [
        (anchor, f"{label.rstrip('?:')}: {text}" if label and said[text] > 1 else text) for anchor, label, text in found
    ]
    return {"items": items}


# Components ----------------------------------------------------------------------------------------------------------


def _once(value: Any) -> Any:
    """A text that is translated when it is printed is translated now: components ask for their title several times."""
    return str(value) if isinstance(value, Promise) else value


def _filled(content: SafeString) -> SafeString:
    """`content`, or nothing at all when it is blank: a component then leaves out the place for it."""
    return content if content.strip() else SafeString()


class SlotNode(template.Node):
    def __init__(self, name: str, nodelist: NodeList) -> None:
        self.name = name
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        return self.nodelist.render(context)


class ComponentNode(template.Node):
    def __init__(self, name: str, options: dict[str, FilterExpression], nodelist: NodeList) -> None:
        self.name = name
        self.options = options
        self.template: template.base.Template | None = None
        self.slots = [node for node in nodelist if isinstance(node, SlotNode)]
        self.nodelist = NodeList(node for node in nodelist if not isinstance(node, SlotNode))

    def render(self, context: Context) -> SafeString:
        values: dict[str, Any] = {name: _once(option.resolve(context)) for name, option in self.options.items()}
        values |= {slot.name: _filled(slot.render(context)) for slot in self.slots}
        values["content"] = _filled(self.nodelist.render(context))
        for passed_on in ("request", "csrf_token"):
            if passed_on in context:
                values[passed_on] = context[passed_on]
        if context.template is None:
            raise template.TemplateSyntaxError("A component needs the template that it stands in.")
        if self.template is None:
            self.template = context.template.engine.get_template(f"components/{self.name}.html")
        return self.template.render(context.new(values))


def _name_of(token: Token, bits: list[str]) -> str:
    if len(bits) < 2 or bits[1][0] not in "\"'":
        raise template.TemplateSyntaxError(f"{token.split_contents()[0]} needs a quoted name.")
    return bits[1][1:-1]


@register.tag
def component(parser: Parser, token: Token) -> ComponentNode:
    """`{% component "panel" title=... %}` content and slots `{% endcomponent %}`; sees only what it is given."""
    bits = token.split_contents()
    name = _name_of(token, bits)
    options = token_kwargs(rest := bits[2:], parser)
    if rest:
        raise template.TemplateSyntaxError(f"component {name!r} takes only name=value, not {rest!r}.")
    nodelist = parser.parse(("endcomponent",))
    parser.delete_first_token()
    return ComponentNode(name, options, nodelist)


@register.tag
def slot(parser: Parser, token: Token) -> SlotNode:
    """`{% slot "actions" %}...{% endslot %}` directly inside a component: a second place for content."""
    name = _name_of(token, token.split_contents())
    nodelist = parser.parse(("endslot",))
    parser.delete_first_token()
    return SlotNode(name, nodelist)


@register.inclusion_tag("components/kv.html")
def kv(label: str, value: Any = "", wide: bool = False) -> dict[str, Any]:
    """One pair of a `kv_grid`; a missing value is an em dash that is read as "Not provided"."""
    return {"label": label, "value": value, "content": "", "wide": wide}


@register.inclusion_tag("components/pager.html", takes_context=True)
def pager(context: Context, page: Page[Any]) -> dict[str, Any]:
    """Links to the pages of a Django `Page`; keeps the other parameters of the address."""
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    return {"request": context.get("request"), "page": page, "numbers": list(numbers)}
