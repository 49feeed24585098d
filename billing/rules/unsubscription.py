"""What can be unsubscribed, in the guide's words (guide 7.1, table 7-1)."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.choices import BillingMode, DeliveryMethod
from orders.choices import SubscriptionStatus

UNSUBSCRIBABLE = (DeliveryMethod.IMAGE, DeliveryMethod.ECS)
"""What is unsubscribed like a cloud service; image and ECS are subscribed, renewed and unsubscribed separately (guide 3.4)."""

NEVER = {
    DeliveryMethod.SAAS: gettext_lazy("SaaS products cannot be unsubscribed."),
    DeliveryMethod.LICENSE: gettext_lazy("Licenses cannot be unsubscribed."),
    DeliveryMethod.PROFESSIONAL_SERVICE: gettext_lazy("Professional services cannot be unsubscribed."),
}


@dataclass(frozen=True, slots=True)
class TypeRule:
    """A row of the guide's table 7-1."""

    product_type: str
    rule: str
    limit: str


def guide_table(cloud: str) -> list[TypeRule]:
    """The guide's table of unsubscription rules.

    Args:
        cloud: what the cloud is called here (`SITE_CLOUD_NAME`).
    """
    images = _(
        "Unsubscription rules for images on KooGallery are the same as those for products and services on %(cloud)s. You can "
        "unsubscribe from a KooGallery image on the Billing Center > Unsubscriptions page. Pay-per-use resources cannot be "
        "unsubscribed."
    ) % {"cloud": cloud}
    none = _("N/A")
    return [
        TypeRule(_("Images"), images, _("Unlimited")),
        TypeRule(_("SaaS products"), str(NEVER[DeliveryMethod.SAAS]), none),
        TypeRule(_("Licenses"), str(NEVER[DeliveryMethod.LICENSE]), none),
        TypeRule(_("Professional services"), str(NEVER[DeliveryMethod.PROFESSIONAL_SERVICE]), none),
    ]


def consequence(delivery_method: str, name: str) -> str:
    """What happens at once when something is given up; image and ECS are subscribed separately (guide 3.4)."""
    if delivery_method == DeliveryMethod.IMAGE:
        return _(
            "Servers with %(name)s stop at once and cannot be started without it. Their data is kept while the ECS subscription "
            "runs, which is unsubscribed separately. This cannot be undone."
        ) % {"name": name}
    return _(
        "The server stops at once and is deleted with its data. The image on it is unsubscribed separately. This cannot be undone."
    )


def type_refusal(delivery_method: str, billing_mode: str) -> str | None:
    """Why something of this kind can never be unsubscribed, or None."""
    if delivery_method not in UNSUBSCRIBABLE:
        return str(NEVER[DeliveryMethod(delivery_method)])
    if billing_mode == BillingMode.PAY_PER_USE:
        return _("Pay-per-use resources cannot be unsubscribed. Delete the ECS instead; billing ends with it.")
    if billing_mode == BillingMode.ONE_TIME:
        return _("Only yearly/monthly subscriptions can be unsubscribed.")
    return None


def state_refusal(status: str, *, order_completed: bool, frozen: bool) -> str | None:
    """Why a subscription in this state cannot be unsubscribed now, or None.

    One that is still being provisioned is not unsubscribed: should that fail, its order is canceled and refunded in
    whole without a fee. In grace or retention it can be released; nothing is left to refund.
    """
    if status == SubscriptionStatus.CLOSED:
        return _("It is closed already.")
    if frozen:
        return _("An appeal is being handled. Nothing can be changed until it is handled.")
    if status == SubscriptionStatus.PENDING or not order_completed:
        return _(
            "It is still being provisioned. If that fails, the order is canceled and refunded in whole, without a fee."
        )
    return None
