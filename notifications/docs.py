"""Makes docs/notifications.md from the table; a test compares the two."""

from notifications.notice import Notice
from notifications.table import NOTICES, UNTOLD
from notifications.ticket_notices import WRITTEN
from orders.choices import OrderKind

HEAD = """# Who is told what

Made from `notifications/table.py` (a test compares the two). Every notice is a message in the product, written when
the event is delivered, seconds after it happened (of service tickets and questions: with them); where the last column
says so it also goes out by e-mail to people who want e-mails.

| event | recipient | text | e-mail |
| --- | --- | --- | --- |
"""


def as_markdown() -> str:
    """The document."""
    rows = [
        f"| `{one.event.__name__}`{_kinds(one)} | {one.audience.value} | **{one.title}** {one.text} | {'yes' if one.email else 'no'} |"
        for one in NOTICES
    ]
    rows += [
        f"| `{one.event}` | {one.to} | **{one.title}** {' '.join(one.text.split())} | {'yes' if one.email else 'no'} |"
        for one in WRITTEN
    ]
    untold = [f"| `{one.event.__name__}` | nobody | {one.why} | no |" for one in UNTOLD]
    return HEAD + "\n".join([*rows, *untold]) + "\n"


def _kinds(notice: Notice) -> str:
    """Of which orders it is told, where not of all."""
    if notice.kinds is None:
        return ""
    return f", not of {', '.join(str(one.value) for one in OrderKind if one not in notice.kinds)} orders"
