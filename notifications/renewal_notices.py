"""Who is told what of renewals: rows of the one table (`table.py`)."""

from notifications.notice import Audience, Notice
from orders import events as orders
from renewals import events as renewals

RENEWAL_NOTICES: list[Notice] = [
    Notice(
        orders.SubscriptionRenewed,
        Audience.PAYERS,
        "Renewed until {until}: {product}",
        "It cost {amount} (order {order}). The term runs on from its expiry before; nothing else changes.",
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
    Notice(
        renewals.WillRenew,
        Audience.PAYERS,
        "Renews by itself {when}: {product}",
        "On {on} {period} is bought for {amount}, {change}, paid by {method}. You need to do nothing. "
        "To stop it, open the page and press the button before that day.",
        "renewal_stop",
    ),
    Notice(
        renewals.AutoRenewalFailed,
        Audience.PAYERS,
        "Pay for the renewal of {product}: it expires {when}",
        "{amount}, {change}, could not be deducted ({method}): {why} It is tried again daily until {on}; you can renew it by hand or stop it.",
        "renew",
    ),
    Notice(
        renewals.CardEndsBeforeRenewal,
        Audience.PAYERS,
        "Bind another credit card: {bound} ends before {product} renews",
        "The next renewal is deducted on {on}, when this card is no longer valid.",
        "cards",
    ),
    Notice(
        renewals.WillExpire,
        Audience.PAYERS,
        "Renew {product}: it expires {when}",
        "It does not renew by itself; its term is over at the end of {on}. {costs}",
        "renew",
    ),
    Notice(
        renewals.WillEnd,
        Audience.PAYERS,
        "{product} ends {when}, as you decided",
        "Its renewals are canceled; its term is over at the end of {on}. {costs}",
        "renew",
    ),
    Notice(
        renewals.WillFreeze,
        Audience.PAYERS,
        "Renew {product}: it will be frozen {when}",
        "The grace period is over at the end of {on}; then it cannot be used. {costs}",
        "renew",
    ),
    Notice(
        renewals.WillBeReleased,
        Audience.PAYERS,
        "Renew {product}: its data will be deleted {when}",
        "The retention period is over at the end of {on}; then it is released for good. {costs}",
        "renew",
    ),
]
