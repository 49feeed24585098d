"""Acceptance criteria: what a delivery of a product must show, line by line."""

from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from catalog.models.products import Product
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.text import clean_text

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object

MOST_LINES = 20
LONGEST_LINE = 300


class AcceptanceCriteria(models.Model):
    """One version of a product's criteria, in order. Append-only (trigger): a change is the next version.

    A request is pinned to the version in force when it is submitted. A version without lines ends the criteria.
    """

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="criteria_versions")
    version = models.PositiveIntegerField()
    lines = ArrayField(models.CharField(max_length=LONGEST_LINE), size=MOST_LINES, blank=True, default=list)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta(TypedModelMeta):
        ordering = ["product", "-version"]
        constraints = [models.UniqueConstraint(fields=["product", "version"], name="one_criteria_per_version")]
        verbose_name_plural = _("acceptance criteria")

    def __str__(self) -> str:
        return f"Acceptance criteria of {self.product_id}, version {self.version}"

    def clean(self) -> None:
        """Refuse lines that repeat, are empty, or have characters that no text has."""
        self.lines = checked_lines(self.lines)

    @classmethod
    def in_force(cls, product_id: int) -> "AcceptanceCriteria | None":
        """The newest version with lines, or None when the product has no criteria."""
        newest = _NEWEST.first(product=product_id)
        return newest if newest and newest.lines else None

    @classmethod
    def lines_of(cls, product: OuterRef) -> Subquery:
        """The lines in force of a product, inside a query for products; NULL when it never had any."""
        newest = cls.objects.filter(product=product).order_by("-version")
        return Subquery(newest.values("lines")[:1])

    @classmethod
    def lines_by_product(cls, products: "QuerySet[Product] | list[int]") -> dict[int, list[str]]:
        """The lines in force of several products, in one query."""
        newest = cls.objects.filter(product__in=products).order_by("product", "-version").distinct("product")
        return dict(newest.values_list("product_id", "lines"))


_NEWEST = Compiled(lambda: AcceptanceCriteria.objects.filter(product=Param("product")).order_by("-version")[:1])


def checked_lines(lines: Any) -> list[str]:
    """The lines, cleaned.

    Raises:
        ValidationError: says which bound they break.
    """
    if not isinstance(lines, list) or not all(isinstance(one, str) for one in lines):
        raise ValidationError({"lines": _("Write a list of texts.")})
    try:
        cleaned = [" ".join(clean_text(one).split()) for one in lines]
    except ValueError as refused:
        raise ValidationError({"lines": str(refused)}) from refused
    if len(cleaned) > MOST_LINES:
        raise ValidationError({"lines": _("Write at most %(most)d lines.") % {"most": MOST_LINES}})
    if any(not one or len(one) > LONGEST_LINE for one in cleaned):
        raise ValidationError({"lines": _("Each line has 1 to %(most)d characters.") % {"most": LONGEST_LINE}})
    if len(set(cleaned)) != len(cleaned):
        raise ValidationError({"lines": _("A line stands there twice.")})
    return cleaned
