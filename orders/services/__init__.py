"""The verbs of orders: placing, being paid, being delivered, ending.

Called by views, API, admin, timers and the rooms on the right alike. Every verb locks the order's row first.
"""

from orders.services.changing import paid_changes, taking_back_refusal
from orders.services.delivery import (
    complete_due_order,
    complete_due_orders,
    complete_order,
    delivery_done,
    delivery_failed,
    end_locked_with_refund,
    end_with_refund,
    refund_finished,
    refund_reopened,
    take_back,
)
from orders.services.locking import order_locked
from orders.services.payment import can_be_paid, cancel_order, cancel_outdated, cancel_unpaid_order, mark_paid
from orders.services.placing import (
    Placement,
    configure_draft,
    open_draft,
    place_draft,
    place_order,
    preview_draft,
    use_coupon,
)
from orders.services.renewing import (
    RenewalPrices,
    RenewalWish,
    offered_durations,
    place_renewal,
    price_of_renewal,
    quote_for_renewal,
    renewal_prices,
    renewal_refusal,
    renewed_term,
    usable_coupon,
    waiting_orders,
)
from orders.services.unsubscribing import (
    cancel_unsubscription,
    close_unsubscribed,
    locked_with_orders,
    paid_terms,
    place_unsubscription,
    refund_term,
    unsubscription_request,
    with_paid_terms,
)
from orders.services.upgrading import UpgradeWish, place_upgrade, quote_upgrade, upgrade_refusal

__all__ = [
    "Placement",
    "RenewalPrices",
    "RenewalWish",
    "UpgradeWish",
    "can_be_paid",
    "cancel_order",
    "cancel_outdated",
    "cancel_unpaid_order",
    "cancel_unsubscription",
    "close_unsubscribed",
    "complete_due_order",
    "complete_due_orders",
    "complete_order",
    "configure_draft",
    "delivery_done",
    "delivery_failed",
    "end_locked_with_refund",
    "end_with_refund",
    "locked_with_orders",
    "mark_paid",
    "offered_durations",
    "open_draft",
    "order_locked",
    "paid_changes",
    "paid_terms",
    "place_draft",
    "place_order",
    "place_renewal",
    "place_unsubscription",
    "place_upgrade",
    "preview_draft",
    "price_of_renewal",
    "quote_for_renewal",
    "quote_upgrade",
    "refund_finished",
    "refund_reopened",
    "refund_term",
    "renewal_prices",
    "renewal_refusal",
    "renewed_term",
    "take_back",
    "taking_back_refusal",
    "unsubscription_request",
    "upgrade_refusal",
    "usable_coupon",
    "use_coupon",
    "waiting_orders",
    "with_paid_terms",
]
