"""What becomes due by itself in support."""

from support.tickets import timers as _of_tickets  # noqa: F401  (registers)
