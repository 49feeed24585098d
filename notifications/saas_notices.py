"""Who is told what of SaaS that sellers' servers make: rows of the one table (`table.py`)."""

from notifications.notice import Audience, Notice, Untold
from provisioning.saas import events as saas

SAAS_NOTICES: list[Notice] = [
    Notice(
        saas.InstanceReady,
        Audience.BUYERS,
        "Log in to {product} ({order})",
        "{seller} has created your application. How to log in stands on its page.",
        "order",
    ),
    Notice(
        saas.InterfaceCallFailed,
        Audience.SELLERS,
        "Mend your production interface: {product} ({order})",
        "{activity} failed: {error} It is tried again by itself.",
        "interface_messages",
    ),
    Notice(
        saas.InterfaceCallGivenUp,
        Audience.SELLERS,
        "Restart a call: {product} ({order})",
        "{activity} was tried for its time and failed: {error} Mend it, then press Restart Debugging.",
        "interface_messages",
    ),
    Notice(
        saas.InstanceNotDelivered,
        Audience.SELLERS,
        "An order was lost: {product} ({order})",
        "Your server did not deliver in time: {error} The order was canceled and refunded.",
        "interface_messages",
    ),
    Notice(
        saas.ProductDelisted,
        Audience.SELLERS,
        "Off sale: {product}",
        "More orders of it failed than are allowed. Mend your production interface, then ask operations to lift it.",
        "interface_messages",
    ),
    Notice(
        saas.ProductDelisted,
        Audience.OPERATORS,
        "Off sale by itself: {product} of {seller}",
        "More orders of it failed than are allowed.",
        "admin_interface",
    ),
]

SAAS_UNTOLD: list[Untold] = [
    Untold(saas.CallDue, "Between us and a seller's server; what comes of it is told."),
]
