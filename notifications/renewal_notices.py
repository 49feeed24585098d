"""Who is told what of renewals: rows of the one table (`table.py`)."""

from notifications.notice import Audience, Notice
from orders import events as orders
from renewals import events as renewals

RENEWAL_NOTICES: list[Notice] = [
    Notice(
        orders.SubscriptionRenewed,
        Audience.PAYERS,
        "Renewed until {until}: {product}",
        "{amount} were paid by order {order}. The term runs on from its expiry before; nothing else changes.",
        "order",
    ),
    Notice(
        orders.SubscriptionRenewed,
        Audience.SELLERS,
        "Renewed by {account} until {until}: {product}",
        "Order {order} over {amount} is paid and payable to you. There is no new service flow.",
        "seller_orders",
        email=False,
    ),
    Notice(
        orders.RenewalTakenBack,
        Audience.SELLERS,
        "Renewal taken back: {product} ({order})",
        "{account} is refunded. The app expires when it would have without this renewal.",
        "seller_orders",
    ),
    Notice(
        renewals.AutoRenewalEnabled,
        Audience.PAYERS,
        "Auto-renewal is on: {product}",
        "{period} is bought each time, {often}; the next deduction is {deducted}. You can change or stop it until then.",
        "app",
    ),
    Notice(
        renewals.AutoRenewalDisabled,
        Audience.PAYERS,
        "Auto-renewal is off: {product}",
        "{why} It expires unless you renew it by hand.",
        "app",
    ),
    Notice(
        renewals.SubscriptionExpired,
        Audience.PAYERS,
        "Renew {product}: it has expired",
        "In the grace period it is still usable; renew it before that ends.",
        "app",
    ),
    Notice(
        renewals.SubscriptionFrozen,
        Audience.PAYERS,
        "Renew {product}: it is frozen",
        "It cannot be used; its data is kept until the retention period ends.",
        "app",
    ),
    Notice(
        renewals.SubscriptionReleased,
        Audience.PAYERS,
        "Closed: {product}",
        "The retention period is over; the resource was released and cannot be renewed.",
        "app",
    ),
]
