"""What a row of the table of notices says (`table.py`)."""

from dataclasses import dataclass
from enum import Enum

from koogallery.kernel.outbox import Event
from orders.choices import OrderKind

# A renewal has words of its own; what says "delivery" or leads to a service flow is for the rest.
DELIVERED = frozenset({OrderKind.NEW, OrderKind.UPGRADE, OrderKind.UNSUBSCRIPTION})


class Audience(Enum):
    """Who is told: the people of one side who may do what comes next."""

    BUYERS = "the account's owners and purchasers"
    PAYERS = "the account's owners and finance members"
    SELLERS = "the seller's members"
    OPERATORS = "operations staff"


@dataclass(frozen=True, slots=True)
class Notice:
    """One row: on `event`, `audience` reads `title` and `text`, which may name `{order}`, `{product}`, `{seller}`,
    `{account}` and the event's own fields; `email` says whether it also goes out by e-mail.

    With `kinds` only orders of these kinds are told of. A subject line begins with the action (UX 5). `link` names the page to act on (`services.LINKS`).
    """

    event: type[Event]
    audience: Audience
    title: str
    text: str
    link: str
    email: bool = True
    kinds: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Untold:
    """An event of which nobody is told, and why."""

    event: type[Event]
    why: str


@dataclass(frozen=True, slots=True)
class Written:
    """A notice that a verb writes itself, in its own transaction (`services.write_row`): nothing waits for the outbox.

    Attributes:
        event: the kind of what happened, as messages keep it.
        to: who reads it, in words.
        title, text: may name what the verb gives as words.
    """

    event: str
    to: str
    title: str
    text: str
    email: bool = True
