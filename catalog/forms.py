"""Operators' forms of the catalogue."""

from io import BytesIO
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, UnidentifiedImageError

from catalog.models import ProductPicture, Synonym

if TYPE_CHECKING:
    PictureBase = forms.ModelForm[ProductPicture]
    SynonymBase = forms.ModelForm[Synonym]
else:
    PictureBase = SynonymBase = forms.ModelForm

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
