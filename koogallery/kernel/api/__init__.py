"""What every REST resource stands on: problems, strict input, keyset pages, idempotency, throttles (API.md)."""
