"""What the sandbox card processor keeps: its own records, as a real one would have them elsewhere."""

from django.db import models

from koogallery.kernel import clock
from koogallery.kernel.money import AmountField, CurrencyField


class SandboxCard(models.Model):
    """The sandbox processor's own record of a card that was entered on its hosted page."""

    reference = models.CharField(max_length=80, primary_key=True)
    scenario = models.CharField(max_length=30)
    customer = models.CharField(max_length=80, blank=True, help_text="For whom the hosted page was opened.")
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.reference


class SandboxCharge(models.Model):
    """The sandbox processor's own record of a charge or refund, keyed by our idempotency key."""

    key = models.CharField(max_length=40, primary_key=True)
    reference = models.CharField(max_length=80, unique=True)
    card = models.ForeignKey(SandboxCard, null=True, on_delete=models.PROTECT, related_name="charges")
    refund_of = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="refunds")
    currency = CurrencyField()
    amount = AmountField()
    fee = AmountField(null=True, help_text="What it keeps of a charge; empty for refunds and older charges.")
    outcome = models.CharField(max_length=20)
    reason = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.reference} {self.outcome}"


class SandboxWebhook(models.Model):
    """A message that the sandbox processor is going to send, `sends_left` more times."""

    event_id = models.CharField(max_length=80, unique=True)
    body = models.JSONField()
    due_at = models.DateTimeField(null=True)
    sends_left = models.PositiveSmallIntegerField(default=1)

    class Meta:
        indexes = [models.Index("due_at", "id", condition=models.Q(due_at__isnull=False), name="sandbox_webhook_due")]

    def __str__(self) -> str:
        return self.event_id
