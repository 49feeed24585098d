"""Uploads in parts, before the form that they belong to is sent: begin, receive, complete, cancel, expire."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Protocol

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.db import transaction

from accounts.actor import Actor, Party
from accounts.models import Account, Seller
from accounts.permissions import Permission, require
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError, InvalidInput, NotFound
from supervision.choices import UploadStatus
from supervision.errors import AttachmentRefused, ScannerDown, StorageUnavailable, TooManyUploads, UploadConflict
from supervision.files import Attachable, CheckedFile, check_files, storing
from supervision.files.checking import BLOCK, check_content, check_name_and_size, refused, sha256_of
from supervision.files.kinds import TYPES
from supervision.files.names import extensions
from supervision.models import Attachment, Upload, UploadPart

# Parts up to this long are received in memory.
PART_IN_MEMORY = 1 << 18


class Readable(Protocol):
    """A request's body."""

    def read(self, size: int, /) -> bytes: ...


def start_upload(*, name: str, size: int, by: Actor, at: datetime | None = None) -> Upload:
    """Announce a file; what its name and size say against it is said now.

    Raises:
        AttachmentRefused: the name or the size. TooManyUploads: attach or remove some first.
        PermissionRefused: the buyer's role does not allow it.
    """
    at = at or clock.now()
    require(by, Permission.SUPERVISE)
    if by.user_id is None or by.party not in (Party.BUYER, Party.SELLER):
        raise InvalidInput("Files are uploaded by people, or their keys, for an account or a seller.")
    clean, _extension = check_name_and_size(name, size)
    with transaction.atomic():
        _lock_side(by)
        if Upload.objects.for_side(by).open(at).count() >= settings.UPLOADS_OPEN_MAX:
            limit = settings.UPLOADS_OPEN_MAX
            raise TooManyUploads(f"{limit} uploads are open already. Attach or remove some of them first.")
        return Upload.objects.create(
            account_id=by.account_id if by.party is Party.BUYER else None,
            seller_id=by.seller_id if by.party is Party.SELLER else None,
            user_id=by.user_id,
            name=clean,
            size=size,
            created_at=at,
            expires_at=at + settings.UPLOAD_LIFETIME,
        )


def _lock_side(by: Actor) -> None:
    """Two uploads of one side are counted one after the other."""
    if by.party is Party.BUYER:
        Account.objects.select_for_update(no_key=True).filter(pk=by.account_id or 0).first()
    else:
        Seller.objects.select_for_update(no_key=True).filter(pk=by.seller_id or 0).first()


def receive_part(
    upload: Upload, *, offset: int, length: int, body: Readable, by: Actor, at: datetime | None = None
) -> Upload:
    """Keep the next stretch of the file. Whole or not at all: a part that breaks off is sent again.

    Raises:
        UploadConflict: the upload goes on elsewhere; `extra["received"]` says where.
        InvalidInput: the part's length, or it was cut off. StorageUnavailable: no room.
        NotFound: expired or removed.
    """
    at = at or clock.now()
    _check_part(_own(upload, by, at), offset, length)
    with _spooled(body, length) as content:
        key = storing.keep(File(content), kind=storing.PARTS, at=at)
    try:
        with transaction.atomic():
            fresh = _own(upload, by, at, lock=True)
            _check_part(fresh, offset, length)
            UploadPart.objects.create(upload=fresh, offset=offset, size=length, file=key)
            fresh.received = offset + length
            fresh.save(update_fields=["received"])
    except DomainError:
        storing.remove([key])
        raise
    return fresh


def _own(upload: Upload, by: Actor, at: datetime, *, lock: bool = False) -> Upload:
    rows = Upload.objects.for_owner(by).filter(expires_at__gt=at)
    found = (rows.select_for_update(of=("self",)) if lock else rows).filter(pk=upload.pk).first()
    if found is None:
        raise NotFound
    return found


def _check_part(upload: Upload, offset: int, length: int) -> None:
    if upload.status != UploadStatus.RECEIVING or offset != upload.received:
        why = f"{upload.received:,} of {upload.size:,} bytes are there: go on from there."
        raise UploadConflict(why, extra={"received": upload.received})
    left = upload.size - upload.received
    least, most = min(settings.UPLOAD_PART_LEAST_BYTES, left), min(settings.UPLOAD_PART_MOST_BYTES, left)
    if not least <= length <= most:
        raise InvalidInput(f"The next part has {least:,} to {most:,} bytes; this one has {length:,}.")


@contextmanager
def _spooled(body: Readable, length: int) -> Iterator[IO[bytes]]:
    """The part as a file: storage may want to read it twice."""
    with SpooledTemporaryFile(max_size=PART_IN_MEMORY, dir=settings.FILE_UPLOAD_TEMP_DIR) as content:
        left = length
        while left:
            try:
                block = body.read(min(BLOCK, left))
            except OSError:
                block = b""
            if not block:
                raise InvalidInput(f"The part was cut off: {length - left:,} of {length:,} bytes came. Send it again.")
            left -= len(block)
            try:
                content.write(block)
            except OSError as full:
                raise StorageUnavailable from full
        content.seek(0)
        yield content


def complete_upload(upload: Upload, *, by: Actor, at: datetime | None = None) -> Upload:
    """All parts are there: check the file, have it scanned, store it as one. A second call answers the same.

    Reading, scanning and storing happen outside any transaction. What is refused is removed; while the scanner is
    down the parts stay, so that only this step is tried again.

    Raises:
        UploadConflict: parts are missing. AttachmentRefused: the content. NotFound: expired or removed.
    """
    at = at or clock.now()
    fresh = _own(upload, by, at)
    if fresh.status != UploadStatus.RECEIVING:
        return fresh
    if fresh.received < fresh.size:
        why = f"{fresh.received:,} of {fresh.size:,} bytes are there."
        raise UploadConflict(why, extra={"received": fresh.received})
    extension = extensions(fresh.name)[-1]
    try:
        with _assembled(fresh) as whole:
            check_content(fresh.name, extension, whole)
            digest = sha256_of(whole)
            key = storing.keep(whole, at=at)
    except (ScannerDown, StorageUnavailable):
        raise
    except AttachmentRefused:
        cancel_upload(fresh, by=by, at=at)
        raise
    return _finished(fresh, key, TYPES[extension][0], digest, by=by, at=at)


@contextmanager
def _assembled(upload: Upload) -> Iterator["File[Any]"]:
    """The parts as one temporary file, which storing moves into its place where it can."""
    whole = TemporaryUploadedFile(upload.name, "", upload.size, None)
    try:
        for part in upload.parts.order_by("offset"):
            with default_storage.open(str(part.file.name)) as content:
                for block in File(content).chunks(BLOCK):
                    _write(whole, block)
        _write(whole, b"", last=True)
        if whole.tell() != upload.size:
            raise refused(upload.name, "did not arrive whole. Upload it again.")
        yield whole
    except FileNotFoundError as gone:
        raise refused(upload.name, "did not arrive whole. Upload it again.") from gone
    finally:
        whole.close()


def _write(whole: "File[Any]", block: bytes, *, last: bool = False) -> None:
    try:
        whole.write(block)
        if last:
            whole.flush()
    except OSError as full:
        raise StorageUnavailable from full


def _finished(upload: Upload, key: str, content_type: str, digest: str, *, by: Actor, at: datetime) -> Upload:
    try:
        with transaction.atomic():
            fresh = _own(upload, by, at, lock=True)
            if fresh.status != UploadStatus.RECEIVING:
                # Somebody completed it at the same time; his file is the one.
                transaction.on_commit(partial(storing.remove, [key]))
                return fresh
            parts = [str(one.file.name) for one in fresh.parts.all()]
            fresh.finish(key=key, content_type=content_type, sha256=digest)
            fresh.save()
            fresh.parts.all().delete()
            transaction.on_commit(partial(storing.remove, parts))
    except DomainError:
        storing.remove([key])
        raise
    return fresh


def cancel_upload(upload: Upload, *, by: Actor, at: datetime | None = None) -> None:
    """Take the upload back with all that was stored of it; what is attached stays with its record."""
    with transaction.atomic():
        _removed(_own(upload, by, at or clock.now(), lock=True))


def expire_upload(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: nobody attached it in time. An attached one leaves only its row."""
    with transaction.atomic():
        upload = Upload.objects.select_for_update(of=("self",)).filter(pk=pk, expires_at__lte=at).first()
        if upload is not None:
            _removed(upload)


def _removed(upload: Upload) -> None:
    keys = [str(one.file.name) for one in upload.parts.all()]
    if upload.status == UploadStatus.READY:
        keys.append(str(upload.file.name))
    upload.delete()
    # After the commit: a file without a row is swept up later, a row without its file would be a loss.
    transaction.on_commit(partial(storing.remove, keys))


def uploaded(values: Sequence[UploadedFile | str], by: Actor) -> list[Attachable]:
    """What a form or a body names as files: those that came with it, and staged uploads by their ids.

    Raises:
        AttachmentRefused: an id that is no upload of `by`.
    """
    ids = [one for one in values if isinstance(one, str)][: settings.ATTACHMENTS_MAX + 1]
    known = {one.public_id: one for one in Upload.objects.for_owner(by).filter(public_id__in=ids)} if ids else {}
    if any(one not in known for one in ids):
        raise refused("", "An uploaded file is not there any more. Upload it again.")
    return [known[one] if isinstance(one, str) else one for one in values if one in known or not isinstance(one, str)]


@contextmanager
def files_for_a_verb(files: Sequence[Attachable]) -> Iterator[list[CheckedFile]]:
    """Check, scan and store files before the verb and its transaction; what the verb did not take is removed.

    Raises:
        AttachmentRefused
    """
    checked = check_files(files)
    try:
        yield checked
    except DomainError:
        _remove_unused(checked)
        raise
    _remove_unused(checked)


def _remove_unused(files: Sequence[CheckedFile]) -> None:
    keys = {one.key for one in files if one.upload_id is None}
    if keys:
        names = [key.rpartition("/")[2] for key in keys]
        keys -= set(Attachment.objects.filter(public_id__in=names).values_list("file", flat=True))
        keys -= storing.named_elsewhere(keys)
        storing.remove(sorted(keys))
