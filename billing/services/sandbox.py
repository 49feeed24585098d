"""The sandbox processor's messages, sent to our own webhook door by a timer."""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from billing.gateways import gateway
from billing.gateways.sandbox import SandboxGateway
from billing.models import SandboxWebhook
from billing.services.webhooks import receive_webhook


def send_sandbox_webhook(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: send a message as often as its card says; signed and read as one that came through the network."""
    with transaction.atomic():
        message = SandboxWebhook.objects.select_for_update(of=("self",)).get(pk=pk)
        if message.due_at is None or message.due_at > at:
            return
        times, message.sends_left, message.due_at = message.sends_left, 0, None
        message.save(update_fields=["sends_left", "due_at"])
        processor = gateway()
        if isinstance(processor, SandboxGateway):
            for _time in range(times):
                receive_webhook(*processor.signed(message.body), at=at)
