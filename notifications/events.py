"""What happens to messages."""

from dataclasses import dataclass

from koogallery.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class MessagesWritten(Event):
    """Messages of one cause were written; some of them go out by e-mail."""

    cause: str

    @property
    def subject(self) -> str:
        return f"messages:{self.cause}"
