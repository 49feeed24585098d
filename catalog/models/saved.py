"""What buyers saved."""

from typing import TYPE_CHECKING, Self

from django.db import models

from accounts.models import Account, User
from catalog.models.products import Product
from koogallery.kernel import clock
from koogallery.kernel.money import CurrencyField, Money, UnitPriceField

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class SavedProductQuerySet(models.QuerySet["SavedProduct"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(account=account)


class SavedProduct(models.Model):
    """An entry of My Saved List, with the price at the time of saving."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="saved_products")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="saves")
    saved_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    saved_at = models.DateTimeField(default=clock.now)
    price_then = UnitPriceField(null=True)
    currency = CurrencyField()
    unit_then = models.CharField(max_length=40, blank=True)

    objects = SavedProductQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["-saved_at"]
        constraints = [models.UniqueConstraint(fields=["account", "product"], name="saved_once_per_account")]

    def __str__(self) -> str:
        return f"{self.product} saved by {self.account}"

    @property
    def money_then(self) -> Money | None:
        """The starting price at the time of saving, for one `unit_then`."""
        return None if self.price_then is None else Money(self.price_then, self.currency)

    @property
    def money_now(self) -> Money | None:
        """The starting price now; None for what is no longer sold."""
        return self.product.starting_price if self.product.is_on_sale else None

    @property
    def price_change(self) -> Money | None:
        """By how much the starting price rose (or fell, negative) since; None where the two cannot be compared.

        They cannot when one is missing, in another currency, or for something else: a month then, a year now.
        """
        now, then = self.money_now, self.money_then
        if now is None or then is None:
            return None
        if now.currency != then.currency or self.product.lowest_price_unit != self.unit_then:
            return None
        return Money(now.amount - then.amount, now.currency)
