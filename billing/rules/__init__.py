"""What is true of money, without a database."""

from billing.rules.money import MoneyState, money_state

__all__ = ["MoneyState", "money_state"]
