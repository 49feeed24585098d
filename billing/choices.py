"""The words of payments and of the journal."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PaymentStatus(models.TextChoices):
    """A payment's life (API.md)."""

    CREATED = "created", _("Created")
    AUTHORISING = "authorising", _("Authorizing")
    ACTION_REQUIRED = "action_required", _("Action required")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    REFUNDING = "refunding", _("Refunding")
    REFUNDED = "refunded", _("Refunded")
    PARTLY_REFUNDED = "partly_refunded", _("Partly refunded")


OPEN_PAYMENTS = (PaymentStatus.CREATED, PaymentStatus.AUTHORISING, PaymentStatus.ACTION_REQUIRED)
TAKEN_PAYMENTS = (
    PaymentStatus.SUCCEEDED,
    PaymentStatus.REFUNDING,
    PaymentStatus.REFUNDED,
    PaymentStatus.PARTLY_REFUNDED,
)


class PaymentMethodKind(models.TextChoices):
    """How an order is paid (`method` of API.md).

    `reseller` is nobody's choice: a reseller's customer pays nobody here, his reseller owes the amount (guide 2.1).
    """

    CARD = "card", _("Credit card")
    BALANCE = "balance", _("Account balance")
    MONTHLY_SETTLEMENT = "monthly_settlement", _("Monthly Settlement")
    RESELLER = "reseller", _("Reseller")


class RefundStatus(models.TextChoices):
    """A refund's life: recorded with the decision, carried out through the outbox."""

    CREATED = "created", _("Created")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")


class EntryKind(models.TextChoices):
    """Why the journal has an entry."""

    CHARGE = "charge", _("An order was paid")
    FEE = "fee", _("The card processor kept its fee")
    FEE_BACK = "fee_back", _("The card processor gave a fee back")
    COUPON = "coupon", _("A coupon was used")
    COUPON_EARNED = "coupon_earned", _("A used coupon was settled with the seller")
    COUPON_BACK = "coupon_back", _("A coupon was given back")
    RELEASE = "release", _("An order was completed")
    REFUND_OWED = "refund_owed", _("A refund was decided")
    REFUND_PAID = "refund_paid", _("A refund was paid out")
    REFUND_BOUNCED = "refund_bounced", _("A bank sent a refund back")
    REFUND_BY_HAND = "refund_by_hand", _("A refund was paid by transfer")
    TOP_UP = "top_up", _("An account was topped up")
    ADJUSTMENT = "adjustment", _("A balance was adjusted")
    SETTLEMENT = "settlement", _("A monthly statement was paid")
    USAGE = "usage", _("A usage bill was paid")
    USAGE_CREDIT = "usage_credit", _("What usage bills took too much was credited")
    RESELLER_PAID = "reseller_paid", _("A reseller paid what he owes")
    PAYOUT = "payout", _("A seller was paid")
    DISPUTED = "disputed", _("A bank took a charge back")
    DISPUTE_WON = "dispute_won", _("A charge-back was won")
    DISPUTE_LOST = "dispute_lost", _("A charge-back was lost")
    DISPUTE_SET_OFF = "dispute_set_off", _("An ended order bears its charge-back")
    MISMATCH = "mismatch", _("The processor took another amount")
    MISMATCH_BACK = "mismatch_back", _("The wrong amount was given back")
    GATEWAY_PAYOUT = "gateway_payout", _("The card processor paid out to the bank")
    TAX_REMITTED = "tax_remitted", _("Collected tax was paid to the tax office")


class Ledger(models.TextChoices):
    """The accounts of the journal. A positive posting is a debit, a negative one a credit.

    Assets: what the card processor and the bank have for us, what customers and resellers owe us, what is disputed.
    Liabilities: customers' balances, what is held for orders until they are completed, what sellers have earned, tax
    that was collected, refunds on their way. Income and expense: our fee, the processor's, coupons, lost disputes,
    adjustments that operations make at our cost or gain.
    """

    GATEWAY = "gateway", _("Money at the card processor")
    BANK = "bank", _("Money at the bank")
    RECEIVABLE = "receivable", _("Monthly settlement owed by customers")
    RESELLER_OWES = "reseller_owes", _("Owed by resellers")
    DISPUTED = "disputed", _("Taken back by banks, in dispute")
    BALANCE = "balance", _("Customers' balances")
    HELD = "held", _("Held for orders")
    COUPONS_HELD = "coupons_held", _("Coupons held for orders")
    SELLER_PAYABLE = "seller_payable", _("Payable to sellers")
    TAX = "tax", _("Tax collected")
    REFUNDS_OWED = "refunds_owed", _("Refunds on their way")
    SUSPENSE = "suspense", _("Taken by mistake, to be given back")
    SERVICE_FEES = "service_fees", _("Our service fees")
    OWN_SALES = "own_sales", _("Our own sales of cloud resources")
    PROCESSOR_FEES = "processor_fees", _("The card processor's fees")
    COUPONS = "coupons", _("Coupons at our cost")
    DISPUTE_LOSSES = "dispute_losses", _("Lost charge-backs")
    ADJUSTMENTS = "adjustments", _("Adjustments by operations")


class AdjustmentCause(models.TextChoices):
    """Why operations adjust a balance."""

    GOODWILL = "goodwill", _("Goodwill")
    CORRECTION = "correction", _("Correction of a mistake")
    ROUNDING = "rounding", _("Rounding difference")


# Where a payment method's money is before it is held for an order, and goes back to when it is refunded.
SOURCE_LEDGERS = {
    PaymentMethodKind.CARD: Ledger.GATEWAY,
    PaymentMethodKind.BALANCE: Ledger.BALANCE,
    PaymentMethodKind.MONTHLY_SETTLEMENT: Ledger.RECEIVABLE,
    PaymentMethodKind.RESELLER: Ledger.RESELLER_OWES,
}


class StatementStatus(models.TextChoices):
    """A monthly statement's life (RULES 6)."""

    OPEN = "open", _("Open")
    OVERDUE = "overdue", _("Overdue")
    PAID = "paid", _("Paid")


class UsageBillStatus(models.TextChoices):
    """A usage bill's life (RULES 8): it is charged as it is issued; where that fails it is in arrears. One over less than nothing
    is credited at once."""

    OPEN = "open", _("Being charged")
    ARREARS = "arrears", _("In arrears")
    PAID = "paid", _("Paid")
    CREDITED = "credited", _("Credited")


class ProposalStatus(models.TextChoices):
    """An operator's refund: above a limit it waits for another operator's consent, which lapses."""

    AWAITING_CONSENT = "awaiting_consent", _("Waiting for another operator's consent")
    DONE = "done", _("Refunded")
    DECLINED = "declined", _("Declined")
    LAPSED = "lapsed", _("Lapsed without consent")


class DisputeStatus(models.TextChoices):
    """A charge-back's life."""

    OPEN = "open", _("Open")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")


class UnsubscriptionStatus(models.TextChoices):
    """An unsubscription's life: a large refund is reviewed first (RULES 4)."""

    IN_REVIEW = "in_review", _("In review")
    DONE = "done", _("Unsubscribed")
    DECLINED = "declined", _("Declined")
