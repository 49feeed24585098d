"""The virus-scan port with ClamAV's protocol: infected is refused, and without a verdict nothing is taken."""

import time
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from supervision import services
from supervision.choices import FlowStatus, UploadStatus
from supervision.errors import AttachmentRefused, ScannerDown
from supervision.files.clamd import ClamdScanner
from supervision.models import Attachment, Upload
from supervision.services.uploads import complete_upload, start_upload
from tests.supervision.clamd_server import EICAR, clamd
from tests.supervision.sample_files import PDF, png, zipped
from tests.supervision.test_uploads import send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _scanned(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.UPLOAD_PART_LEAST_BYTES = 10
    settings.VIRUS_SCANNER = "supervision.files.clamd.ClamdScanner"
    settings.VIRUS_SCAN_TIMEOUT = timedelta(seconds=1)


@pytest.fixture(params=["tcp", "unix"])
def daemon(request, settings, tmp_path):
    with clamd(str(tmp_path / "clamd.sock") if request.param == "unix" else "") as (daemon, address):
        settings.CLAMD_ADDRESS = address
        yield daemon


INFECTED = PDF[:9] + EICAR + PDF[9:]


def request_with(deal, content, name="a.pdf"):
    return services.submit_request(deal.flow, description="x", files=[SimpleUploadedFile(name, content)], by=deal.buyer)


def test_a_clean_file_is_taken_and_an_infected_one_refused(deal, daemon):
    one = deal(service=True)
    with pytest.raises(AttachmentRefused, match=r"^a\.pdf is infected \(Eicar-Signature\)"):
        request_with(one, INFECTED)
    assert one.now().status == FlowStatus.AWAITING_REQUEST
    request_with(one, PDF)
    assert daemon.scanned == 2


def test_a_staged_upload_is_scanned_when_it_is_complete(deal, daemon, django_capture_on_commit_callbacks, settings):
    one = deal(service=True)
    upload = send(start_upload(name="a.pdf", size=len(INFECTED), by=one.buyer), INFECTED, one.buyer)
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(AttachmentRefused, match="infected"):
        complete_upload(upload, by=one.buyer)
    assert not Upload.objects.exists()
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]


@pytest.mark.parametrize("mode", ["silent", "broken", "closes"])
def test_without_a_verdict_nothing_is_taken_and_the_upload_can_be_completed_later(deal, daemon, mode):
    one = deal(service=True)
    upload = send(start_upload(name="a.pdf", size=len(PDF), by=one.buyer), PDF, one.buyer)
    daemon.mode = mode
    began = time.monotonic()
    with pytest.raises(ScannerDown, match=r"^a\.pdf can't be checked for viruses now\. Try again"):
        complete_upload(upload, by=one.buyer)
    with pytest.raises(ScannerDown) as refused:
        request_with(one, PDF)
    assert time.monotonic() - began < 4
    assert (refused.value.code, refused.value.status) == ("attachment_refused", 503)
    assert not Attachment.objects.exists()
    daemon.mode = "works"
    assert complete_upload(upload, by=one.buyer).status == UploadStatus.READY


def test_a_scanner_that_is_down_takes_nothing(deal, settings, tmp_path):
    one = deal(service=True)
    for address in (f"unix://{tmp_path}/nobody.sock", "tcp://127.0.0.1:9", "nonsense"):
        settings.CLAMD_ADDRESS = address
        with pytest.raises(ScannerDown):
            request_with(one, PDF)
    assert not Attachment.objects.exists()


@pytest.mark.parametrize("size", [1 << 21, 20 << 20])
def test_what_is_larger_than_the_scanner_takes_is_refused(deal, daemon, size):
    one = deal(service=True)
    with pytest.raises(AttachmentRefused, match="larger than the virus scanner takes"):
        request_with(one, png(size), "large.png")


def test_the_scan_happens_outside_any_transaction(daemon, settings, transactional_db):
    """Asked in the moment of the scan, by the shop's own path: a page's form and a REST action."""
    from supervision.models import FlowTemplate
    from tests.api.conftest import buyer_api, on_sale, order_body

    FlowTemplate.objects.get_or_create(flow_type="standard", version=1, defaults={"appeal_on_acceptance_after": 2})
    settings.VIRUS_SCANNER = f"{__name__}.Watching"
    Watching.seen.clear()
    api = buyer_api()
    number = api.post("orders/", order_body(on_sale(service=True))).json()["number"]
    flow = api.post(f"orders/{number}/pay/", {"method": "card"}).json()["service_flow"]
    body = {"description": "x", "attachment": SimpleUploadedFile("a.zip", zipped({"a": b"b"}))}
    done = api.post(f"service-flows/{flow}/submit-request/", body, multipart=True, idempotency_key="k")
    assert done.status_code == 200, done.json()
    assert Watching.seen == [False]


class Watching(ClamdScanner):
    """The real scanner; notes whether a transaction was open."""

    seen: list[bool] = []

    def scan(self, file):
        self.seen.append(connection.in_atomic_block)
        return super().scan(file)
