"""How each status looks: every app says it once, beside its enum, and all pages agree (UX 3.4).

    class OrderStatus(models.TextChoices): ...

    badges.register("order", {
        OrderStatus.PENDING_PAYMENT: Badge("warn", "clock"),            # label: the enum's own
        OrderStatus.COMPLETED: Badge("ok", "circle-check"),
    })

A template prints it by `{% status_badge "order" order.status %}`. The seller's view of a record, in which the same
status reads "your turn", is a kind of its own ("flow.seller").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from django.db.models import Choices
from django.utils.functional import Promise

Tone = Literal["neutral", "info", "ok", "warn", "bad", "wait"]


@dataclass(frozen=True, slots=True)
class Badge:
    """Tone (colour), icon (a symbol of the sprite), the words (default: the enum's label) and the long words."""

    tone: Tone = "neutral"
    icon: str = "circle-dot"
    label: str | Promise = ""
    long_label: str | Promise = ""


_badges: dict[tuple[str, str], Badge] = {}


def register(kind: str, looks: Mapping[str, Badge]) -> None:
    """Say how the statuses of `kind` look. A status that is said twice takes the later look."""
    for status, look in looks.items():
        label = look.label or (status.label if isinstance(status, Choices) else str(status))
        _badges[kind, str(status)] = Badge(look.tone, look.icon, label, look.long_label)


def badge_for(kind: str, status: str, label: str | Promise = "") -> Badge:
    """The look of one status; one that nobody registered is neutral, in its own words, rather than an error page."""
    known = _badges.get((kind, str(status)))
    if known is None:
        own = getattr(status, "label", "") or str(status).replace("_", " ").capitalize()
        known = Badge(label=own)
    return Badge(known.tone, known.icon, label, known.long_label) if label else known


def registered() -> dict[str, list[tuple[str, Badge]]]:
    """Every kind with its statuses in the order of registration, for the story page."""
    found: dict[str, list[tuple[str, Badge]]] = {}
    for (kind, status), look in _badges.items():
        found.setdefault(kind, []).append((status, look))
    return found
