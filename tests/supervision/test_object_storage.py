"""Attachments in S3: uploaded, checked, downloaded, expired and swept without any local path."""

import io
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile

from koogallery.kernel import clock
from koogallery.settings import s3_storage
from supervision import services
from supervision.errors import StorageUnavailable
from supervision.files import storing
from supervision.models import StorageDay
from supervision.services.uploads import complete_upload, receive_part, start_upload
from supervision.views.pages import attachment_file
from tests.supervision.s3_server import object_store
from tests.supervision.sample_files import PDF, png

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(settings):
    with object_store() as (server, options):
        whole = s3_storage(**options)
        settings.STORAGES = {**settings.STORAGES, "default": whole}
        settings.UPLOAD_PART_LEAST_BYTES = 10
        yield server


def uploaded(by, content):
    upload = start_upload(name="chart.png", size=len(content), by=by)
    for offset in range(0, len(content), 1 << 20):
        part = content[offset : offset + (1 << 20)]
        upload = receive_part(upload, offset=offset, length=len(part), body=io.BytesIO(part), by=by)
    return complete_upload(upload, by=by)


def test_a_file_goes_to_the_bucket_in_parts_and_comes_back_as_a_download(
    deal, store, django_capture_on_commit_callbacks
):
    one, content = deal(service=True), png(3 << 20)
    with django_capture_on_commit_callbacks(execute=True):
        upload = uploaded(one.buyer, content)
    assert list(store.objects) == [upload.file.name]
    form = TemporaryUploadedFile("terms.pdf", "application/pdf", len(PDF), None)
    form.write(PDF)
    form.seek(0)
    files = [upload, form, SimpleUploadedFile("more.pdf", PDF)]
    services.submit_request(one.flow, description="x", files=files, by=one.buyer)
    chart, terms, _more = one.now().attachments.all()
    assert store.objects[chart.file.name] == content
    assert store.objects[terms.file.name] == PDF
    answer = attachment_file(one.now(), chart.public_id)
    assert b"".join(answer.streaming_content) == content
    assert (answer["Content-Length"], answer["X-Content-Type-Options"]) == (str(len(content)), "nosniff")
    assert answer["Content-Disposition"] == 'attachment; filename="chart.png"'


def test_what_is_read_back_does_not_stay_in_memory(store):
    key = storing.keep(ContentFile(png(3 << 20)))
    with default_storage.open(key) as opened:
        opened.read(1)
        assert opened._file._rolled, "a temporary file, not memory"


def test_a_bucket_that_takes_nothing_is_told_and_named_nowhere(deal, store):
    one = deal(service=True)
    store.full = True
    with pytest.raises(StorageUnavailable, match="can't be stored now"):
        services.submit_request(one.flow, description="x", files=[SimpleUploadedFile("a.pdf", PDF)], by=one.buyer)
    assert one.now().attachments.count() == 0


def test_expired_and_forgotten_files_leave_the_bucket(deal, store, timers, django_capture_on_commit_callbacks):
    one = deal(service=True)
    at = clock.now()
    with django_capture_on_commit_callbacks(execute=True):
        uploaded(one.buyer, png(3000))
    forgotten = storing.keep(ContentFile(b"rolled back"))
    with django_capture_on_commit_callbacks(execute=True):
        timers.run(at + timedelta(hours=25), "expire_uploads")
    assert list(store.objects) == [forgotten]
    timers.run(StorageDay.objects.get().due_at, "sweep_stored_files")
    assert not store.objects
