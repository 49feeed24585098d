"""With what an account may pay: its cards, its balance, monthly settlement (guide 2.1, RULES 6)."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Account
from billing.choices import PaymentMethodKind, StatementStatus, UsageBillStatus
from billing.errors import CreditRefused, InArrears, PaymentMethodRequired
from billing.gateways import gateway
from billing.models import AccountBalance, CreditLine, PaymentMethod, Statement, UsageBill
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.errors import DomainError, InvalidInput
from koogallery.kernel.money import Money

_CARDS = Compiled(lambda: PaymentMethod.objects.filter(account=Param("account"), gateway=Param("gateway")).bound())
_BALANCE = Compiled(lambda: AccountBalance.objects.filter(account=Param("account"), currency=Param("currency")))
_CREDIT = Compiled(lambda: CreditLine.objects.filter(account=Param("account"), revoked_at=None))


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """How to pay: `card` with the account's default card, or the card with this public id; or another method."""

    method: str = PaymentMethodKind.CARD
    card: str = ""


@dataclass(frozen=True, slots=True)
class Methods:
    """What the Pay page offers.

    Attributes:
        balance: the account's balance in the currency to be paid.
        credit: what may still be bought on monthly settlement; None when it was not granted.
        credit_refusal: why it cannot be used for this amount, or empty.
    """

    cards: list[PaymentMethod]
    balance: Money
    credit: Money | None
    credit_refusal: str

    @property
    def any(self) -> bool:
        return bool(self.cards or self.balance or (self.credit and not self.credit_refusal))


def methods_of(account: Account, amount: Money, *, with_credit: bool = True) -> Methods:
    """What `account` may pay `amount` with, in three queries."""
    balance = balance_of(account, amount.currency)
    line = _CREDIT.first(account=account.pk) if with_credit else None
    return Methods(
        cards=usable_cards(account),
        balance=balance,
        credit=line.available if line else None,
        credit_refusal=(credit_refusal(line, amount) or "") if line else "",
    )


def balance_of(account: Account, currency: str) -> Money:
    """What the account has paid in advance and not used."""
    balance = _BALANCE.first(account=account.pk, currency=currency)
    return balance.money if balance else Money.zero(currency)


def credit_for(account: Account, amount: Money) -> tuple[bool, str]:
    """Whether monthly settlement was granted, and if so why it may not pay `amount`, or empty."""
    line = _CREDIT.first(account=account.pk)
    return line is not None, (credit_refusal(line, amount) or "") if line else ""


def credit_refusal(line: CreditLine | None, amount: Money) -> str | None:
    """Why monthly settlement may not pay `amount`, in words for the buyer, or None (RULES 6)."""
    if line is None or line.revoked_at is not None:
        return "Monthly settlement is not enabled for this account. To enable credit payment, submit a service ticket."
    if line.currency != amount.currency:
        return f"Monthly settlement of this account is in {line.currency}."
    if Statement.objects.filter(account_id=line.account_id, status=StatementStatus.OVERDUE).exists():
        return "A monthly statement is overdue. Pay it before you buy on monthly settlement again."
    if line.available < amount:
        return f"Only {line.available.display()} of the credit limit is left."
    return None


def take_credit(account: Account, amount: Money) -> None:
    """Use a part of the credit limit; in the payment's transaction, locks the credit line.

    Raises:
        CreditRefused: not granted, other currency, overdue, or beyond the limit.
    """
    line = CreditLine.objects.select_for_update(of=("self",)).filter(account=account).first()
    if why := credit_refusal(line, amount):
        raise CreditRefused(why)
    assert line is not None
    line.used += amount.amount
    line.save(update_fields=["used"])


def give_credit_back(account: Account, amount: Money) -> None:
    """A refund or a paid statement: that much less is owed."""
    line = CreditLine.objects.select_for_update(of=("self",)).get(account=account)
    line.used -= amount.amount
    line.save(update_fields=["used"])


def move_balance(account: Account, amount: Money) -> AccountBalance:
    """Add to (or, negative, take from) the balance, in a transaction; locks its row.

    Raises:
        InvalidInput: there is not as much.
    """
    AccountBalance.objects.get_or_create(account=account, currency=amount.currency)
    balance = AccountBalance.objects.select_for_update(of=("self",)).get(account=account, currency=amount.currency)
    if balance.amount + amount.amount < 0:
        raise InvalidInput(
            f"The account balance of {balance.money.display()} is not enough.",
            errors={"method": ["The account balance is not enough."]},
        )
    balance.amount += amount.amount
    balance.save(update_fields=["amount"])
    return balance


def usable_cards(account: Account) -> list[PaymentMethod]:
    """The account's cards that the processor in use can charge, the default first."""
    return _CARDS.all(account=account.pk, gateway=gateway().name)


def chosen_card(account: Account, request: PaymentRequest, *, at: datetime) -> PaymentMethod:
    """The card to charge.

    Raises:
        InvalidInput: no such card.
        PaymentMethodRequired: none is bound, or it has expired.
    """
    cards = usable_cards(account)
    card = next((one for one in cards if request.card in ("", one.public_id)), None)
    if card is None:
        if request.card:
            raise InvalidInput("There is no such card.", errors={"payment_method": ["There is no such card."]})
        raise PaymentMethodRequired
    if card.is_expired(at):
        raise PaymentMethodRequired(f"{card} has expired. Bind another credit card.")
    return card


def own_method(account: Account, amount: Money) -> PaymentRequest:
    """What an amount is deducted from when nobody chooses: the default card, else the balance, else settlement."""
    found = methods_of(account, amount)
    if found.cards:
        return PaymentRequest()
    if found.balance >= amount and amount:
        return PaymentRequest(PaymentMethodKind.BALANCE)
    if found.credit is not None and not found.credit_refusal:
        return PaymentRequest(PaymentMethodKind.MONTHLY_SETTLEMENT)
    return PaymentRequest()


def owing_refusal(account: Account, *, by_use: bool, at: datetime) -> DomainError | None:
    """Why an account may not use what is charged by itself or, `by_use`, afterwards; not raised.

    Whoever owes for what he used uses nothing more (RULES 6, 8). A card must be bound (guide 2.1), but a balance or
    monthly settlement stands in for it. A reseller's customer owes nothing here.
    """
    if account.reseller_id is not None:
        return None
    if by_use and (owed := _owed_refusal(account)):
        return owed
    if any(not card.is_expired(at) for card in usable_cards(account)):
        return None
    found = methods_of(account, Money.zero(account.currency))
    return None if found.balance or (found.credit is not None and not found.credit_refusal) else PaymentMethodRequired()


def _owed_refusal(account: Account) -> DomainError | None:
    bills = UsageBill.objects.for_account(account).filter(status=UsageBillStatus.ARREARS)
    if owed := bills.order_by("issued_at").first():
        return InArrears(extra={"bill": owed.public_id})
    # Its use would stand on the next statement, whatever cards there are.
    line = _CREDIT.first(account=account.pk)
    if line is not None and (why := credit_refusal(line, Money.zero(line.currency))):
        return CreditRefused(why)
    return None
