"""Pictures and documents of products."""

from django.core.files.base import File
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.text import get_valid_filename
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from catalog.models import Product, ProductDocument, ProductPicture

PICTURE_TYPES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp"}


@require_safe
@cache_control(public=True, max_age=86_400)
def picture(request: HttpRequest, slug: str, pk: int) -> FileResponse:
    """`/products/<slug>/pictures/<id>/`: a picture of the gallery. Another picture is another row, so it may be kept."""
    found = get_object_or_404(ProductPicture, pk=pk, product__in=Product.objects.reachable().filter(slug=slug))
    ending = str(found.picture.name).rsplit(".", 1)[-1].lower()
    if ending not in PICTURE_TYPES:
        raise Http404
    return FileResponse(_opened(found.picture), content_type=PICTURE_TYPES[ending])


@require_safe
@cache_control(public=True, max_age=300)
def document(request: HttpRequest, slug: str, pk: int) -> FileResponse:
    """`/products/<slug>/documents/<id>/`: a user guide or download, always as an attachment."""
    rows = ProductDocument.objects.exclude(file="")
    found = get_object_or_404(rows, pk=pk, product__in=Product.objects.reachable().filter(slug=slug))
    ending = str(found.file.name).rsplit(".", 1)[-1].lower()
    name = f"{get_valid_filename(found.title)}.{ending}"
    return FileResponse(_opened(found.file), as_attachment=True, filename=name, content_type="application/octet-stream")


def _opened(file: FieldFile) -> "File[bytes]":
    try:
        return file.open("rb")
    except OSError:
        raise Http404 from None
