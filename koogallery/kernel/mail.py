"""E-mails of a demo: printed to standard error, so that a command's own output stays clean."""

import sys
from typing import Any

from django.core.mail.backends.console import EmailBackend as ConsoleBackend


class EmailBackend(ConsoleBackend):
    """Django's console backend on standard error."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream", sys.stderr)
        super().__init__(*args, **kwargs)
