"""Names that can be read over the phone and not guessed.

Crockford's base 32: no I, L, O, U, so nothing is mistaken for a digit. All randomness is from `secrets`.
"""

import secrets
from datetime import datetime

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ORDER_PREFIX = "CS"
INVOICE_PREFIX = "IV"
TICKET_PREFIX = "TK"


def _random(length: int) -> str:
    # The alphabet has 32 letters, so five bits of each random byte choose one evenly.
    return "".join(CROCKFORD[byte & 31] for byte in secrets.token_bytes(length))


def order_number(at: datetime) -> str:
    """A new order number: the day for people, 40 random bits against guessing, no sequence (16 characters)."""
    return f"{ORDER_PREFIX}{at:%y%m%d}{_random(8)}"


def invoice_number(at: datetime) -> str:
    """A new invoice application's number, as unguessable as an order's; the issued invoice has its issuer's number."""
    return f"{INVOICE_PREFIX}{at:%y%m%d}{_random(8)}"


def ticket_number(at: datetime) -> str:
    """A new service ticket's number."""
    return f"{TICKET_PREFIX}{at:%y%m%d}{_random(8)}"


def public_id() -> str:
    """A name for addresses and the API: 80 random bits (16 characters)."""
    return _random(16)


def secret_token() -> str:
    """A secret for keys: 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)
