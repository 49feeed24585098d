"""Operators' forms of the catalogue."""

from io import BytesIO
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, UnidentifiedImageError

from catalog.models import AcceptanceCriteria, ProductPicture, Synonym
from catalog.models.criteria import checked_lines

if TYPE_CHECKING:
    PictureBase = forms.ModelForm[ProductPicture]
    SynonymBase = forms.ModelForm[Synonym]
    CriteriaBase = forms.ModelForm[AcceptanceCriteria]
else:
    PictureBase = SynonymBase = CriteriaBase = forms.ModelForm

MOST_BYTES = 2 * 2**20
MOST_PIXELS = 4_000
FORMATS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}


class PictureForm(PictureBase):
    """A picture: judged by its content, and stored anew so that it carries no metadata and nothing behind the image."""

    class Meta:
        model = ProductPicture
        fields = ["position", "picture", "alt"]

    def clean_picture(self) -> Any:
        given = self.cleaned_data["picture"]
        if not isinstance(given, UploadedFile):
            return given
        if given.size is None or given.size > MOST_BYTES:
            raise forms.ValidationError("A picture may have at most 2 MB.")
        try:
            # Only the head is read here, so a bomb is known by its size before it unfolds.
            image = Image.open(given, formats=list(FORMATS))
            if max(image.size) > MOST_PIXELS:
                raise forms.ValidationError("A picture may have at most 4,000 pixels a side.")
            image.load()
        except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
            raise forms.ValidationError("This file is no picture. Use PNG, JPEG or WebP.") from error
        kind = str(image.format)
        out = BytesIO()
        plain = image if kind != "JPEG" or image.mode == "RGB" else image.convert("RGB")
        plain.info.clear()
        plain.save(out, kind)
        self.instance.width, self.instance.height = image.size
        return ContentFile(out.getvalue(), name=f"picture.{FORMATS[kind]}")


class SynonymForm(SynonymBase):
    """A group of synonyms: at least two, none of them in another group."""

    class Meta:
        model = Synonym
        fields = ["words"]

    def clean_words(self) -> str:
        words = Synonym(words=self.cleaned_data["words"]).alternatives
        if len(words) < 2:
            raise forms.ValidationError("Give at least two words, separated by commas.")
        wanted = {word.casefold() for word in words}
        for other in Synonym.objects.exclude(pk=self.instance.pk):
            if shared := sorted(wanted & {word.casefold() for word in other.alternatives}):
                raise forms.ValidationError(f"{shared[0]} is in another group: {other.words}")
        return ", ".join(words)


class CriteriaForm(CriteriaBase):
    """Criteria of a supervised product, one in each line."""

    lines = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 8, "cols": 100}),
        required=False,
        max_length=8_000,
        help_text="One criterion in each line, in the order in which deliveries answer them. Empty: none any more.",
    )

    class Meta:
        model = AcceptanceCriteria
        fields = ["product", "lines"]

    def clean_lines(self) -> list[str]:
        given = [one for one in self.cleaned_data["lines"].splitlines() if one.strip()]
        try:
            return checked_lines(given)
        except forms.ValidationError as refused:
            raise forms.ValidationError(refused.messages) from refused

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        product = cleaned.get("product")
        if product and cleaned.get("lines") and not product.supervised:
            self.add_error("product", "Only a product under service supervision has acceptance criteria.")
        return cleaned
