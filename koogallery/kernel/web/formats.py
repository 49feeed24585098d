"""How amounts, times and sizes are printed for people: pages, e-mails and messages say them alike (UX 5.6, 5.7)."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import format_decimal, get_currency_symbol
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from koogallery.kernel.money import Money

KIBIBYTE = 1024


def _locale() -> Locale:
    """Babel's locale for the language of this request; English for languages that Babel does not know."""
    return _locale_of(get_language() or "en")


@lru_cache
def _locale_of(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def price_text(money: Money, unit: str = "") -> str:
    """`$1,234.50 USD`, with a unit `$5.00 USD/month`: the guide's form, all decimals of a unit price kept."""
    amount, code = amount_and_code(money)
    return f"{amount} {code}/{unit}" if unit else f"{amount} {code}"


def amount_and_code(money: Money) -> tuple[str, str]:
    """The two halves of a price, so that a page can print the first larger: `("$5.00", "USD")`."""
    return _amount_text(money, _locale()), money.currency


@lru_cache(maxsize=10_000)
def _amount_text(money: Money, locale: Locale) -> str:
    # A page prints the same few amounts again and again, and Babel takes its time for each.
    digits = money.digits().lstrip("-")
    decimals = len(digits.partition(".")[2])
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    number = format_decimal(Decimal(digits), format=pattern, locale=locale)
    symbol = get_currency_symbol(money.currency, locale="en_US")
    sign = "-" if money.amount < 0 else ""
    shown_symbol = "" if symbol == money.currency else symbol
    return f"{sign}{shown_symbol}{number}"


def number_text(number: int) -> str:
    """A count with its thousands parted: `1,284`."""
    return _parted(number, _locale())


@lru_cache(maxsize=10_000)
def _parted(number: int, locale: Locale) -> str:
    # A listing prints a hundred counts, and Babel takes its time for each.
    return format_decimal(number, format="#,##0", locale=locale)


def zone_label(moment: datetime) -> str:
    """`GMT+08:00`, the offset that `moment` (aware) has in its own zone."""
    offset = moment.utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"GMT{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def time_text(moment: datetime, style: str = "full") -> str:
    """`moment` (aware) in the active zone, as the guide writes it.

    Styles: `full` "Nov 22, 2026 09:40:11 GMT+08:00", `seconds` the same without the zone (only where the zone
    stands beside it), `minute` "Nov 22, 2026 09:40", `date` "Nov 22, 2026", `short` "Nov 22, 09:40", `clock` "09:40 (GMT+08:00)"
    (of a moment within the day).

    Raises:
        ValueError: the time is naive, or the style is unknown.
    """
    if timezone.is_naive(moment):
        raise ValueError("A time on a page needs its zone.")
    local = timezone.localtime(moment)
    match style:
        case "full":
            return f"{date_format(local, 'M j, Y H:i:s')} {zone_label(local)}"
        case "seconds":
            return date_format(local, "M j, Y H:i:s")
        case "minute":
            return date_format(local, "M j, Y H:i")
        case "date":
            return date_format(local, "M j, Y")
        case "short":
            return date_format(local, "M j, H:i")
        case "clock":
            return f"{date_format(local, 'H:i')} ({zone_label(local)})"
    raise ValueError(f"Unknown time style {style!r}")


def size_text(size: int) -> str:
    """A file's size in bytes as `412 KB` or `50.0 MB` (1,024 based, as the guide's 50.0 MB)."""
    if size < KIBIBYTE:
        return ngettext("%(size)d byte", "%(size)d bytes", size) % {"size": size}
    if size < KIBIBYTE**2:
        return _("%(size)d KB") % {"size": round(size / KIBIBYTE)}
    if size < KIBIBYTE**3:
        return _("%(size).1f MB") % {"size": size / KIBIBYTE**2}
    return _("%(size).1f GB") % {"size": size / KIBIBYTE**3}


def rest_text(rest: timedelta) -> str:
    """What is left until a deadline, coarse: `35 days`, `9 h 12 min`, `4 min`; zero and less is `0 min`."""
    minutes = max(0, int(rest.total_seconds()) // 60)
    if minutes >= 2 * 24 * 60:
        days = minutes // (24 * 60)
        return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
    if minutes >= 24 * 60:
        return _("1 day %(hours)d h") % {"hours": minutes // 60 - 24}
    if minutes >= 60:
        return _("%(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60}
    return _("%(minutes)d min") % {"minutes": minutes}


def time_used_text(seconds: int) -> str:
    """A time of use to the second: "743 h 59 min 3 s", "0 s"; corrections may be negative."""
    hours, rest = divmod(abs(seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "min"), (left, "s")]
    words = " ".join(f"{value:,} {unit}" for value, unit in parts if value) or "0 s"
    return f"-{words}" if seconds < 0 else words
