"""How the statuses of purchased apps look (UX 3.4)."""

from koogallery.kernel.web.badges import Badge, register
from orders.choices import SubscriptionStatus

register(
    "subscription",
    {
        SubscriptionStatus.PENDING: Badge("info", "hourglass"),
        SubscriptionStatus.ENABLED: Badge("ok", "circle-check"),
        SubscriptionStatus.EXPIRED: Badge("warn", "alert-triangle"),
        SubscriptionStatus.FROZEN: Badge("bad", "snowflake"),
        SubscriptionStatus.CLOSED: Badge("neutral", "ban"),
    },
)
