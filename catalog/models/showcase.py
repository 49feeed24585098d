"""What presents products: pictures, documents, collections kept by operators, and the synonyms of search."""

from typing import TYPE_CHECKING, Self

from django.core.validators import FileExtensionValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from catalog.choices import DocumentKind
from catalog.models.products import Category, Product
from koogallery.kernel.ids import secret_token

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object

PICTURE_TYPES = ("png", "jpg", "jpeg", "webp")
DOCUMENT_TYPES = ("pdf", "txt", "md", "docx", "zip")


def _picture_path(picture: "ProductPicture", name: str) -> str:
    return f"catalog/pictures/{picture.product_id}/{secret_token()}.{name.rsplit('.', 1)[-1].lower()}"


def _document_path(document: "ProductDocument", name: str) -> str:
    return f"catalog/documents/{document.product_id}/{secret_token()}.{name.rsplit('.', 1)[-1].lower()}"


class ProductPicture(models.Model):
    """A picture of the product page's gallery, in a raster format that can run nothing.

    Width and height are in pixels; the page prints them, so that nothing moves while pictures load.
    """

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="pictures")
    position = models.PositiveSmallIntegerField(default=0)
    picture = models.FileField(upload_to=_picture_path, validators=[FileExtensionValidator(PICTURE_TYPES)])
    alt = models.CharField(
        _("alternative text"), max_length=200, help_text=_("What can be seen, for who cannot see it")
    )
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)

    class Meta(TypedModelMeta):
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.alt


class ProductDocument(models.Model):
    """A user guide or a download: a file kept here, or an address elsewhere."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="documents")
    kind = models.CharField(max_length=12, choices=DocumentKind.choices)
    title = models.CharField(max_length=160)
    position = models.PositiveSmallIntegerField(default=0)
    file = models.FileField(upload_to=_document_path, blank=True, validators=[FileExtensionValidator(DOCUMENT_TYPES)])
    url = models.URLField(blank=True)

    class Meta(TypedModelMeta):
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                name="documents_are_a_file_or_an_address",
                condition=(Q(file="") & ~Q(url="")) | (~Q(file="") & Q(url="")),
                violation_error_message=_("Choose a file or enter an address, not both."),
            )
        ]

    def __str__(self) -> str:
        return self.title


class CollectionQuerySet(models.QuerySet["Collection"]):
    def on_home(self) -> Self:
        """Shown on the home page, in order."""
        return self.filter(published=True, category=None).order_by("position", "id")

    def of_category(self, category: Category) -> Self:
        """Shown on a category's page, in order."""
        return self.filter(published=True, category=category).order_by("position", "id")


class Collection(models.Model):
    """Products that operators put together: "Featured" and others, on the home page or on one category's page."""

    slug = models.SlugField(max_length=64, unique=True)
    title = models.CharField(max_length=80)
    text = models.CharField(max_length=300, blank=True)
    category = models.ForeignKey(
        Category,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="collections",
        help_text=_("The category whose page shows it; empty: the home page"),
    )
    position = models.PositiveSmallIntegerField(default=0)
    published = models.BooleanField(default=True)
    products = models.ManyToManyField(Product, through="CollectionItem", related_name="collections")

    objects = CollectionQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("catalog:collection", args=[self.slug])


class CollectionItem(models.Model):
    """A product's place in a collection."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="items")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="collection_items")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(TypedModelMeta):
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["collection", "product"], name="once_per_collection")]

    def __str__(self) -> str:
        return f"{self.product} in {self.collection}"


class Synonym(models.Model):
    """Words and phrases that mean the same to search, kept by operators."""

    words = models.CharField(
        max_length=300,
        unique=True,
        help_text=_("Separated by commas; each finds the others: crm, customer relationship management"),
    )

    class Meta(TypedModelMeta):
        ordering = ["words"]

    def __str__(self) -> str:
        return self.words

    @property
    def alternatives(self) -> list[str]:
        """The words and phrases, as written."""
        return [word for word in (part.strip() for part in self.words.split(",")) if word]
