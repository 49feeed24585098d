"""What happened to invoices."""

from dataclasses import dataclass

from koogallery.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class InvoiceEvent(Event):
    """Something happened to an application or invoice, named by its application's number."""

    invoice: str

    @property
    def subject(self) -> str:
        return f"invoice:{self.invoice}"


@dataclass(frozen=True, slots=True)
class InvoiceRequested(InvoiceEvent):
    """A buyer applied for a seller's invoice. `amount` as "$5.00 USD"."""

    amount: str


@dataclass(frozen=True, slots=True)
class PlatformInvoiceRequested(InvoiceEvent):
    """A buyer applied for one of the platform's."""

    amount: str


@dataclass(frozen=True, slots=True)
class InvoiceApproved(InvoiceEvent):
    """It is being issued: it needs its number."""


@dataclass(frozen=True, slots=True)
class DocumentWritten(InvoiceEvent):
    """A document has its number: its PDF is set and sealed."""

    document: str


@dataclass(frozen=True, slots=True)
class InvoiceIssued(InvoiceEvent):
    """The invoice can be downloaded; `document` is its number."""

    document: str


@dataclass(frozen=True, slots=True)
class InvoiceRejected(InvoiceEvent):
    """The issuer does not issue it."""

    reason: str


@dataclass(frozen=True, slots=True)
class InvoiceCancelled(InvoiceEvent):
    """The application is void."""

    reason: str


@dataclass(frozen=True, slots=True)
class ReturnRequested(InvoiceEvent):
    """A buyer returns a seller's invoice."""

    reason: str


@dataclass(frozen=True, slots=True)
class PlatformReturnRequested(InvoiceEvent):
    """A buyer returns one of the platform's."""

    reason: str


@dataclass(frozen=True, slots=True)
class InvoiceReturned(InvoiceEvent):
    """A credit note took it back; `document` is its number."""

    document: str


@dataclass(frozen=True, slots=True)
class InvoiceReturnRejected(InvoiceEvent):
    """The issuer does not take it back."""

    reason: str
