"""Files uploaded in parts before their form: begun, resumed, completed, attached once, expired, swept up."""

import io
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.permissions import Role
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, NotFound, PermissionRefused
from supervision import services
from supervision.choices import FlowStatus, UploadStatus
from supervision.errors import AttachmentRefused, StorageUnavailable, TooManyUploads, UploadConflict
from supervision.files import storing
from supervision.models import Attachment, StorageDay, Upload, UploadPart
from supervision.services.uploads import (
    cancel_upload,
    complete_upload,
    files_for_a_verb,
    receive_part,
    start_upload,
)
from tests.factories import a_buyer, a_seller
from tests.supervision.sample_files import PDF, png

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_storage(settings, tmp_path):
    """Stored files of one test only; parts may be short."""
    settings.MEDIA_ROOT = tmp_path
    settings.UPLOAD_PART_LEAST_BYTES = 10


def stored(kind: str = "") -> list[str]:
    from django.conf import settings

    return sorted(
        str(one.relative_to(settings.MEDIA_ROOT)) for one in settings.MEDIA_ROOT.rglob(f"{kind}*/**/*") if one.is_file()
    )


def send(upload, content, by, *, start=0, part=1000):
    for offset in range(start, len(content), part):
        piece = content[offset : offset + part]
        upload = receive_part(upload, offset=offset, length=len(piece), body=io.BytesIO(piece), by=by)
    return upload


def uploaded(by, name="chart.png", content=None, **more):
    content = content or png(3500)
    upload = start_upload(name=name, size=len(content), by=by, **more)
    return complete_upload(send(upload, content, by), by=by)


def test_a_file_arrives_in_parts_and_is_attached_once(deal, django_capture_on_commit_callbacks):
    one = deal(service=True)
    content = png(3500)
    with django_capture_on_commit_callbacks(execute=True):
        upload = uploaded(one.buyer, content=content)
    assert (upload.status, upload.received, upload.content_type) == (UploadStatus.READY, 3500, "image/png")
    assert stored("uploads") == [], "the parts are gone"
    services.submit_request(one.flow, description="See the chart.", files=[upload], by=one.buyer)
    attachment = one.now().attachments.get()
    assert (attachment.name, attachment.size, attachment.sha256) == ("chart.png", 3500, upload.sha256)
    assert default_storage.open(attachment.file.name).read() == content
    services.reject_request(one.flow, reason="Which chart?", by=one.seller)
    again = Upload.objects.get()
    with pytest.raises(AttachmentRefused, match="attached before"):
        services.submit_request(one.flow, description="That one.", files=[again], by=one.buyer)
    assert one.now().attachments.count() == 1


def test_plain_and_staged_files_come_together(deal):
    one = deal(service=True)
    files = [SimpleUploadedFile("a.pdf", PDF), uploaded(one.buyer), SimpleUploadedFile("b.pdf", PDF)]
    services.submit_request(one.flow, description="Three.", files=files, by=one.buyer)
    assert [one.name for one in one.now().attachments.all()] == ["a.pdf", "chart.png", "b.pdf"]


def test_a_broken_upload_goes_on_where_it_stopped(db):
    by, content = a_buyer(), png(3500)
    upload = start_upload(name="a.png", size=3500, by=by)
    send(upload, content[:2000], by)
    with pytest.raises(InvalidInput, match="cut off: 300 of 1,000"):
        receive_part(upload, offset=2000, length=1000, body=io.BytesIO(content[2000:2300]), by=by)
    with pytest.raises(UploadConflict) as refused:
        receive_part(upload, offset=1000, length=1000, body=io.BytesIO(content[1000:2000]), by=by)
    assert refused.value.extra["received"] == 2000
    with pytest.raises(UploadConflict, match="2,000 of 3,500"):
        complete_upload(upload, by=by)
    assert complete_upload(send(upload, content, by, start=2000), by=by).status == UploadStatus.READY
    assert complete_upload(upload, by=by).status == UploadStatus.READY, "twice is as once"


@pytest.mark.parametrize("length", [0, 9, 4_194_305], ids=["empty", "too short", "too long"])
def test_a_part_has_bounds(settings, db, length):
    by = a_buyer()
    upload = start_upload(name="a.png", size=10_000_000, by=by)
    with pytest.raises(InvalidInput, match="next part has 10 to"):
        receive_part(upload, offset=0, length=length, body=io.BytesIO(bytes(length)), by=by)
    assert not stored()


def test_more_than_was_announced_is_refused(db):
    by = a_buyer()
    upload = start_upload(name="a.pdf", size=20, by=by)
    with pytest.raises(InvalidInput):
        receive_part(upload, offset=0, length=21, body=io.BytesIO(bytes(21)), by=by)


@pytest.mark.parametrize(
    ("name", "size", "why"),
    [
        ("run.exe", 10, r"^run\.exe can't be uploaded: supported formats are BMP, JPG"),
        ("invoice.pdf.exe", 10, "supported formats"),
        ("invoice.EXE.pdf", 10, r"two extensions, \.exe before \.pdf"),
        ("page.html.png", 10, "two extensions"),
        ("noextension", 10, "supported formats"),
        ("a.pdf", 0, r"^a\.pdf is empty"),
        ("a.pdf", 52_428_801, r"^a\.pdf is 52,428,801 bytes: the maximum file size is 50\.0 MB"),
        ("a.pdf", 53_477_376, r"^a\.pdf is 51\.0 MB: the maximum file size is 50\.0 MB"),
        ("\u202egpj.exe", 10, "supported formats"),
    ],
)
def test_name_and_size_are_refused_before_a_byte_travels(db, name, size, why):
    with pytest.raises(AttachmentRefused, match=why):
        start_upload(name=name, size=size, by=a_buyer())
    with pytest.raises(AttachmentRefused, match=why), files_for_a_verb([Sized(name, size)]):
        pass
    assert not Upload.objects.exists()


class Sized(SimpleUploadedFile):
    """A file of any size that is never read."""

    def __init__(self, name, size):
        super().__init__(name, b"")
        self.size = size


@pytest.mark.parametrize("name", ["A.PDF", "plan.v2.final.pdf", "contract_example.com.pdf", "node.js.Pdf"])
def test_honest_names_are_taken(db, name):
    assert start_upload(name=name, size=52_428_800, by=a_buyer()).name == name


def test_wrong_content_is_refused_and_removed(db, django_capture_on_commit_callbacks):
    by = a_buyer()
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(AttachmentRefused, match="no PNG file"):
        uploaded(by, content=b"<svg onload=alert(1)>" * 10)
    assert not Upload.objects.exists()
    assert not stored()


def test_nobody_else_sees_continues_or_attaches_an_upload(deal):
    one = deal(service=True)
    upload = uploaded(one.buyer)
    colleague = a_buyer(account=upload.account)
    for other in (a_buyer(), colleague, one.seller, a_seller()):
        for act in (complete_upload, cancel_upload):
            with pytest.raises(NotFound):
                act(upload, by=other)
    with pytest.raises(AttachmentRefused, match="not there any more"):
        services.submit_request(one.flow, description="Mine now.", files=[upload], by=colleague)
    assert one.now().status == FlowStatus.AWAITING_REQUEST
    assert Upload.objects.get().status == UploadStatus.READY


def test_a_viewer_uploads_nothing(db):
    with pytest.raises(PermissionRefused):
        start_upload(name="a.pdf", size=10, by=a_buyer(Role.VIEWER))


def test_only_so_many_uploads_are_open(settings, db, django_capture_on_commit_callbacks):
    settings.UPLOADS_OPEN_MAX = 2
    by = a_buyer()
    first = start_upload(name="a.pdf", size=10, by=by)
    start_upload(name="b.pdf", size=10, by=by)
    with pytest.raises(TooManyUploads, match="2 uploads are open"):
        start_upload(name="c.pdf", size=10, by=by)
    start_upload(name="c.pdf", size=10, by=a_buyer())
    cancel_upload(first, by=by)
    start_upload(name="c.pdf", size=10, by=by)


def test_an_upload_that_is_not_complete_is_not_attached(deal):
    one = deal(service=True)
    upload = start_upload(name="a.pdf", size=10, by=one.buyer)
    with pytest.raises(AttachmentRefused, match="complete it first"):
        services.submit_request(one.flow, description="x", files=[upload], by=one.buyer)


def test_more_than_ten_files_are_refused(deal):
    one = deal(service=True)
    files = [SimpleUploadedFile(f"{n}.pdf", PDF) for n in range(11)]
    with pytest.raises(AttachmentRefused, match="up to 10"):
        services.submit_request(one.flow, description="x", files=files, by=one.buyer)
    assert not stored()


def test_one_bad_file_refuses_all_and_leaves_nothing(deal):
    one = deal(service=True)
    files = [SimpleUploadedFile("good.pdf", PDF), SimpleUploadedFile("bad.pdf", b"MZ\x90")]
    with pytest.raises(AttachmentRefused, match=r"^bad\.pdf is no PDF"):
        services.submit_request(one.flow, description="x", files=files, by=one.buyer)
    assert not stored()


def test_files_of_a_refused_verb_are_taken_back(deal):
    one = deal(service=True)

    def refused() -> None:
        with files_for_a_verb([SimpleUploadedFile("a.pdf", PDF)]) as files:
            assert len(stored()) == 1
            services.submit_request(one.flow, description="", files=files, by=one.buyer)

    with pytest.raises(InvalidInput):
        refused()
    assert not stored()
    with files_for_a_verb([SimpleUploadedFile("a.pdf", PDF)]) as files:
        services.submit_request(one.flow, description="Now.", files=files, by=one.buyer)
    assert len(stored()) == Attachment.objects.count() == 1


def test_what_nobody_attaches_expires_with_all_that_was_stored(deal, timers, django_capture_on_commit_callbacks):
    one = deal(service=True)
    at = clock.now()
    ready, half = uploaded(one.buyer), start_upload(name="b.png", size=3500, by=one.buyer)
    kept = uploaded(one.buyer, name="kept.png")
    send(half, png(3500)[:2000], one.buyer)
    services.submit_request(one.flow, description="x", files=[kept], by=one.buyer)
    timers.run(at + timedelta(hours=23), "expire_uploads")
    assert Upload.objects.count() == 3
    with django_capture_on_commit_callbacks(execute=True):
        timers.run(at + timedelta(hours=24, seconds=9), "expire_uploads")
    assert not Upload.objects.exists()
    assert one.now().attachments.get().file.name in stored()
    assert ready.file.name not in stored()
    assert not UploadPart.objects.exists()


def test_an_expired_upload_is_gone_before_the_timer_comes(deal):
    one = deal(service=True)
    upload = uploaded(one.buyer)
    later = clock.now() + timedelta(hours=25)
    with pytest.raises(NotFound):
        complete_upload(upload, by=one.buyer, at=later)
    with pytest.raises(AttachmentRefused, match="not there any more"):
        services.submit_request(one.flow, description="x", files=[upload], by=one.buyer, at=later)


def test_files_without_a_row_are_swept_up_days_later(deal, timers, settings):
    import os

    one = deal(service=True)
    ready = uploaded(one.buyer)
    services.submit_request(one.flow, description="x", files=[SimpleUploadedFile("a.pdf", PDF)], by=one.buyer)
    named = {one.now().attachments.get().file.name, ready.file.name}
    forgotten = {storing.keep(ContentFile(b"rolled back")), storing.keep(ContentFile(b"killed"), kind=storing.PARTS)}
    assert named | forgotten <= set(stored())
    day = StorageDay.objects.get()
    timers.run(day.due_at - timedelta(seconds=1), "sweep_stored_files")
    assert forgotten <= set(stored())

    # Written a moment ago by the machine's clock: a running transaction may still name them.
    timers.run(day.due_at, "sweep_stored_files")
    assert forgotten <= set(stored())
    for key in stored():
        os.utime(settings.MEDIA_ROOT / key, (1, 1))
    timers.run(StorageDay.objects.get().due_at, "sweep_stored_files")
    assert not forgotten & set(stored())
    assert named <= set(stored())
    assert not StorageDay.objects.exists()


def test_a_full_disk_is_told_and_leaves_nothing(deal, monkeypatch):
    one = deal(service=True)

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    upload = send(start_upload(name="a.png", size=3500, by=one.buyer), png(3500), one.buyer)
    monkeypatch.setattr(type(default_storage._wrapped), "_save", full)
    with pytest.raises(StorageUnavailable, match="no room"):
        complete_upload(upload, by=one.buyer)
    with pytest.raises(StorageUnavailable, match=r"^a\.pdf can't be stored now"):
        services.submit_request(one.flow, description="x", files=[SimpleUploadedFile("a.pdf", PDF)], by=one.buyer)
    monkeypatch.undo()
    assert complete_upload(upload, by=one.buyer).status == UploadStatus.READY, "it goes on when there is room"
