"""The verbs of money: binding cards, paying, finding out unknown outcomes, giving money back, credit, the books."""

from billing.services.arrears import freeze_servers, release_servers, warn_of_arrears
from billing.services.bookkeeping import (
    Adjustment,
    adjust_balance,
    pay_out,
    receive_from_gateway,
    receive_from_reseller,
    remit_tax,
    top_up,
)
from billing.services.cards import bind_card, make_default_card, start_binding, unbind_card
from billing.services.methods import Methods, PaymentRequest, methods_of
from billing.services.mismatches import give_wrong_amount_back
from billing.services.paying import (
    ask_about_payment,
    give_up_payment,
    pay_order,
    pay_orders,
    resolve_payment,
    resume_payment,
)
from billing.services.proposals import consent_to_refund, decline_refund, lapse_proposal, propose_refund
from billing.services.refunds import (
    ask_about_refund,
    carry_out_refund,
    record_refund_by_hand,
    request_refund,
    resolve_refund,
)
from billing.services.settling import (
    CreditTerms,
    fall_overdue,
    freeze_for_debt,
    grant_credit,
    issue_statement,
    revoke_credit,
    warn_of_debt,
)
from billing.services.statements import pay_statement, record_transfer
from billing.services.unsubscribing import (
    Offer,
    approve_due_unsubscription,
    approve_unsubscription,
    decline_unsubscription,
    offer_for,
    quote_unsubscription,
    refusal_of,
    unsubscribe,
)
from billing.services.usage_bills import bill_accrued, bill_month, decide_usage_credit, watch_usage
from billing.services.usage_charges import charge_usage_bill, pay_usage_bill
from billing.services.webhooks import receive_webhook, record_dispute

__all__ = [
    "Adjustment",
    "CreditTerms",
    "Methods",
    "Offer",
    "PaymentRequest",
    "adjust_balance",
    "approve_due_unsubscription",
    "approve_unsubscription",
    "ask_about_payment",
    "ask_about_refund",
    "bill_accrued",
    "bill_month",
    "bind_card",
    "carry_out_refund",
    "charge_usage_bill",
    "consent_to_refund",
    "decide_usage_credit",
    "decline_refund",
    "decline_unsubscription",
    "fall_overdue",
    "freeze_for_debt",
    "freeze_servers",
    "give_up_payment",
    "give_wrong_amount_back",
    "grant_credit",
    "issue_statement",
    "lapse_proposal",
    "make_default_card",
    "methods_of",
    "offer_for",
    "pay_order",
    "pay_orders",
    "pay_out",
    "pay_statement",
    "pay_usage_bill",
    "propose_refund",
    "quote_unsubscription",
    "receive_from_gateway",
    "receive_from_reseller",
    "receive_webhook",
    "record_dispute",
    "record_refund_by_hand",
    "record_transfer",
    "refusal_of",
    "release_servers",
    "remit_tax",
    "request_refund",
    "resolve_payment",
    "resolve_refund",
    "resume_payment",
    "revoke_credit",
    "start_binding",
    "top_up",
    "unbind_card",
    "unsubscribe",
    "warn_of_arrears",
    "warn_of_debt",
    "watch_usage",
]
