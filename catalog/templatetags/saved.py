"""My Saved List: the price change in words."""

from django import template
from django.utils.translation import gettext as _

from catalog.models import SavedProduct
from koogallery.kernel.money import Money
from koogallery.kernel.web.formats import price_text

register = template.Library()


@register.simple_tag
def price_change(saved: SavedProduct) -> str:
    """Such as "$2.00 USD less than when you saved it"; words say the direction, so that no colour has to."""
    if not saved.product.is_on_sale:
        return _("No longer sold")
    change = saved.price_change
    if change is None:
        return _("Cannot be compared with the price when you saved it")
    if not change.amount:
        return _("Unchanged")
    amount = price_text(Money(abs(change.amount), change.currency))
    more, less = _("%(amount)s more than when you saved it"), _("%(amount)s less than when you saved it")
    return (more if change.amount > 0 else less) % {"amount": amount}
