"""What happened to payments."""

from dataclasses import dataclass

from koogallery.kernel.outbox import Event
from orders.events import OrderEvent


@dataclass(frozen=True, slots=True)
class PaymentFailed(OrderEvent):
    """The bank declined, or nobody confirmed; `reason` is for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class PaymentInDoubt(Event):
    """A payment's outcome is unknown: ask the gateway; with `last_call` give up waiting for the card holder."""

    payment: str
    last_call: bool

    @property
    def subject(self) -> str:
        return f"payment:{self.payment}"


@dataclass(frozen=True, slots=True)
class RefundRequested(Event):
    """A refund was decided and recorded; it is carried out outside the transaction."""

    refund: str

    @property
    def subject(self) -> str:
        return f"refund:{self.refund}"


@dataclass(frozen=True, slots=True)
class RefundStuck(OrderEvent):
    """The gateway refuses a refund for good: operations must pay it by hand."""

    refund: str


@dataclass(frozen=True, slots=True)
class PaymentReversed(OrderEvent):
    """A payment arrived for an order that cannot be paid any more; it goes back. `amount` as "5.00 USD"."""

    amount: str


@dataclass(frozen=True, slots=True)
class WrongAmountTaken(Event):
    """The processor took another amount than we asked for: it must be given back."""

    payment: str

    @property
    def subject(self) -> str:
        return f"payment:{self.payment}"


@dataclass(frozen=True, slots=True)
class RefundProposed(OrderEvent):
    """An operator proposes a refund that needs another operator's consent."""

    proposal: str


@dataclass(frozen=True, slots=True)
class DisputeOpened(Event):
    """A card holder had his bank take a charge back."""

    dispute: str
    payment: str

    @property
    def subject(self) -> str:
        return f"payment:{self.payment}"


@dataclass(frozen=True, slots=True)
class DisputeExceedsCharge(Event):
    """A bank takes more back than is left of a charge: refunded already, or another amount. `amount` as "5.00 USD"."""

    dispute: str
    payment: str
    amount: str

    @property
    def subject(self) -> str:
        return f"payment:{self.payment}"


@dataclass(frozen=True, slots=True)
class ReconciliationDue(Event):
    """The processors are to be asked for their lists."""

    reconciliation: int

    @property
    def subject(self) -> str:
        return f"reconciliation:{self.reconciliation}"


@dataclass(frozen=True, slots=True)
class BooksDiffer(Event):
    """A processor's list and the books differ in what they did not differ in the day before. `first` is one of it."""

    reconciliation: int
    number: int
    first: str

    @property
    def subject(self) -> str:
        return f"reconciliation:{self.reconciliation}"


@dataclass(frozen=True, slots=True)
class StatementEvent(Event):
    """Something happened to a monthly statement."""

    statement: str

    @property
    def subject(self) -> str:
        return f"statement:{self.statement}"


@dataclass(frozen=True, slots=True)
class StatementIssued(StatementEvent):
    """Last month's purchases on monthly settlement are stated."""


@dataclass(frozen=True, slots=True)
class StatementDueSoon(StatementEvent):
    """A statement is not paid yet: it is due in 7, 3 or 1 days."""


@dataclass(frozen=True, slots=True)
class DebtFreezeAhead(StatementEvent):
    """A statement is overdue: the account is frozen in 7, 3 or 1 days."""


@dataclass(frozen=True, slots=True)
class StatementOverdue(StatementEvent):
    """A statement was not paid in time."""


@dataclass(frozen=True, slots=True)
class StatementPaid(StatementEvent):
    """A statement is paid."""


@dataclass(frozen=True, slots=True)
class StatementPaymentFailed(StatementEvent):
    """A statement's payment was declined, not confirmed, or goes back; `reason` is for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class StatementPaymentNeedsAction(StatementEvent):
    """The bank wants the card holder to confirm a statement's payment."""


@dataclass(frozen=True, slots=True)
class RefundInDoubt(Event):
    """The processor may know more of a refund than we do: ask it."""

    refund: str

    @property
    def subject(self) -> str:
        return f"refund:{self.refund}"


@dataclass(frozen=True, slots=True)
class AccountFrozenForDebt(StatementEvent):
    """A statement stayed overdue: the account is frozen, its apps are out of use."""


@dataclass(frozen=True, slots=True)
class DebtFreezeLifted(StatementEvent):
    """The last statement that froze the account is paid."""


@dataclass(frozen=True, slots=True)
class CardExpiring(Event):
    """The default card's last month has come."""

    card: str

    @property
    def subject(self) -> str:
        return f"card:{self.card}"


@dataclass(frozen=True, slots=True)
class CardUnbound(Event):
    """A card was taken off its account: the processor should forget it."""

    card: str

    @property
    def subject(self) -> str:
        return f"card:{self.card}"


@dataclass(frozen=True, slots=True)
class PaymentNeedsAction(OrderEvent):
    """The bank wants the card holder to confirm a payment."""


@dataclass(frozen=True, slots=True)
class UnsubscriptionEvent(OrderEvent):
    """Something happened to an unsubscription; the order is the unsubscription's. `amount` as "$5.00 USD"."""

    amount: str


@dataclass(frozen=True, slots=True)
class UnsubscriptionInReview(UnsubscriptionEvent):
    """Its refund is above the limit: operations look at it; it is approved by itself at `until`."""

    until: str


@dataclass(frozen=True, slots=True)
class Unsubscribed(UnsubscriptionEvent):
    """The subscription is closed and released, the refund is on its way."""


@dataclass(frozen=True, slots=True)
class UnsubscriptionDeclined(UnsubscriptionEvent):
    """Operations declined it: the subscription goes on. `reason` is for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class UsageBillEvent(Event):
    """Something happened to a bill of pay-per-use."""

    bill: str

    @property
    def subject(self) -> str:
        return f"usage_bill:{self.bill}"


@dataclass(frozen=True, slots=True)
class UsageBillIssued(UsageBillEvent):
    """What was used is billed and is to be charged now."""


@dataclass(frozen=True, slots=True)
class UsageBillPaid(UsageBillEvent):
    """A usage bill was charged, put on the monthly statement, or is owed by the reseller."""


@dataclass(frozen=True, slots=True)
class UsageCredited(UsageBillEvent):
    """What usage bills took too much was given back, since no bill follows that could take less."""


@dataclass(frozen=True, slots=True)
class UsageCreditUnclear(UsageBillEvent):
    """Usage bills took too much, none follows, and they were paid by several: operators decide, and are told once for each
    amount. `amount` as "5.00 USD"; `bill` is the newest."""

    amount: str


@dataclass(frozen=True, slots=True)
class UsageInArrears(UsageBillEvent):
    """A usage bill could not be charged; `reason` is for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class UsageFreezeAhead(UsageBillEvent):
    """A bill in arrears is not paid: its account's servers are soon taken out of use."""


@dataclass(frozen=True, slots=True)
class UsageReleaseAhead(UsageBillEvent):
    """A bill in arrears is not paid: its account's servers are soon deleted."""


@dataclass(frozen=True, slots=True)
class UsageFrozen(UsageBillEvent):
    """The time of grace is over: pay-per-use servers are out of use."""


@dataclass(frozen=True, slots=True)
class UsageReleased(UsageBillEvent):
    """The time of retention is over: pay-per-use servers are deleted."""


@dataclass(frozen=True, slots=True)
class UsageFreezeLifted(UsageBillEvent):
    """The last bill that froze servers is paid."""
