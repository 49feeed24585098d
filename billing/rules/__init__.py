"""What is true of money, without a database."""

from billing.rules.money import (
    CHARGED_BACK,
    IN_DISPUTE,
    MoneyState,
    charge_back_state,
    money_state,
    payment_state,
)

__all__ = ["CHARGED_BACK", "IN_DISPUTE", "MoneyState", "charge_back_state", "money_state", "payment_state"]
