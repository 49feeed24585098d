"""My Saved List: the price change in words."""

from django import template
from django.utils.html import format_html
from django.utils.translation import gettext as _

from catalog.models import SavedProduct
from koogallery.kernel.money import Money
from koogallery.kernel.web.formats import price_text

register = template.Library()


@register.simple_tag
def price_change(saved: SavedProduct) -> str:
    """Such as "$2.00 USD less than when you saved it"; words say the direction, so that no colour has to."""
    if not saved.product.is_on_sale:
        return format_html('<span class="small text-2 d-block">{}</span>', _("No longer sold"))
    change = saved.price_change
    if change is None:
        return ""
    if not change.amount:
        text = _("Unchanged since you saved it")
    else:
        amount = price_text(Money(abs(change.amount), change.currency))
        words = _("%(amount)s more than when you saved it") if change.amount > 0 else _("%(amount)s less than when you saved it")  # fmt: skip
        text = words % {"amount": amount}
    return format_html('<span class="small text-2 d-block">{}</span>', text)
