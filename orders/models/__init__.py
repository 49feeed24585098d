"""Orders with their lines and price snapshot, what was agreed to, and the subscriptions that they bring."""

from orders.models.orders import (
    AcceptedAgreement,
    AcceptedAgreementQuerySet,
    Order,
    OrderDelivery,
    OrderLine,
    OrderQuerySet,
    PurchaseDraft,
)
from orders.models.subscriptions import (
    ENDS_SOON,
    Subscription,
    SubscriptionQuerySet,
    SubscriptionTerm,
    SubscriptionTermQuerySet,
)

__all__ = [
    "ENDS_SOON",
    "AcceptedAgreement",
    "AcceptedAgreementQuerySet",
    "Order",
    "OrderDelivery",
    "OrderLine",
    "OrderQuerySet",
    "PurchaseDraft",
    "Subscription",
    "SubscriptionQuerySet",
    "SubscriptionTerm",
    "SubscriptionTermQuerySet",
]
