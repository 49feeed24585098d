"""A staged upload becomes an attachment: once, by whoever uploaded it, in the verb's transaction."""

from collections.abc import Sequence

from accounts.actor import Party
from supervision.choices import UploadStatus
from supervision.files.checking import CheckedFile, refused
from supervision.models import FlowRecord, Upload


def claim_uploads(entry: FlowRecord, files: Sequence[CheckedFile]) -> None:
    """Take the uploads among `files` for a record.

    Raises:
        AttachmentRefused: one is gone (expired, removed), was attached before, or belongs to somebody else.
    """
    wanted = {one.upload_id: one for one in files if one.upload_id is not None}
    if not wanted:
        return
    # In one order, so that two forms with the same uploads do not wait for each other.
    rows = Upload.objects.select_for_update(of=("self",)).filter(pk__in=wanted).order_by("pk")
    found = {row.pk: row for row in rows if _belongs(row, entry)}
    for pk, one in wanted.items():
        row = found.get(pk)
        if row is None or row.expires_at <= entry.at:
            raise refused(one.name, "is not there any more. Upload it again.")
        if row.status != UploadStatus.READY:
            raise refused(one.name, "was attached before. Upload it again to attach it once more.")
        row.attach()
        row.save(update_fields=["status"])


def _belongs(row: Upload, entry: FlowRecord) -> bool:
    if row.user_id != entry.user_id:
        return False
    if entry.party == Party.BUYER:
        return row.account_id == entry.flow.account_id
    return entry.party == Party.SELLER and row.seller_id == entry.flow.seller_id
