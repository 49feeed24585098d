"""Which quotes were used: a signed quote is charged once (DESIGN.md: one quote)."""

from django.db import models


class QuoteUse(models.Model):
    """A claim on a quote's nonce. A small table of its own, so that uniqueness survives partitioned orders."""

    nonce = models.CharField(max_length=32, primary_key=True)
    used_at = models.DateTimeField()
    order_number = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.nonce
