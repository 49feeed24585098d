"""The verbs of money: binding cards, paying orders, finding out unknown outcomes, giving money back."""

from billing.services.cards import bind_card, make_default_card, unbind_card
from billing.services.paying import PaymentRequest, ask_about_payment, pay_order, resolve_payment, resume_payment
from billing.services.refunds import carry_out_refund, request_refund

__all__ = [
    "PaymentRequest",
    "ask_about_payment",
    "bind_card",
    "carry_out_refund",
    "make_default_card",
    "pay_order",
    "request_refund",
    "resolve_payment",
    "resume_payment",
    "unbind_card",
]
