"""What happened to products."""

from dataclasses import dataclass

from koogallery.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class ProductEvent(Event):
    """Something happened to one product."""

    slug: str

    @property
    def subject(self) -> str:
        return f"product:{self.slug}"


@dataclass(frozen=True, slots=True)
class ProductPublished(ProductEvent):
    """It is on sale."""


@dataclass(frozen=True, slots=True)
class ProductTakenDown(ProductEvent):
    """It is off sale for good; what was sold keeps running."""
