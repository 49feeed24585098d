"""Files through the production web server: memory stays flat, pages stay quick, a full disk is refused clearly."""

import hashlib
import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from accounts.models import Account, User
from accounts.services import create_api_key
from bench.sending import MIB, Program, Watch
from supervision.models import Attachment, FlowTemplate, Upload
from tests.processes import web_server
from tests.supervision.conftest import Deal, make_deal
from tests.supervision.sample_files import png

pytestmark = pytest.mark.django_db(transaction=True)

BOUNDARY = "----files"
# Every page is made anew.
PAGES = {"PAGE_CACHE_SECONDS": "0", "DJANGO_SETTINGS_MODULE": "tests.faults.plain_static_settings"}


@pytest.fixture
def deal(transactional_db: None) -> Deal:
    FlowTemplate.objects.get_or_create(flow_type="standard", version=1, defaults={"appeal_on_acceptance_after": 2})
    return make_deal(service=True)


def secret_of(deal: Deal) -> str:
    """A key of the buyer's."""
    account = Account.objects.get(pk=deal.buyer.account_id)
    user = User.objects.get(pk=deal.buyer.user_id)
    return create_api_key(user, name="test", account=account)[1]


def submit(deal: Deal) -> str:
    """Where the request of the deal is submitted."""
    return f"service-flows/{deal.flow.public_id}/submit-request/"


def as_form(program: Program, deal: Deal, content: bytes) -> tuple[int, dict]:
    """The request in one multipart body."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="description"\r\n\r\nAs planned.\r\n'
    head += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="attachment"; filename="plan.png"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    return program.ask("POST", submit(deal), body, Content_Type=f"multipart/form-data; boundary={BOUNDARY}")


def uploads_at_once(folder: Path, deal: Deal, *, files: int, size: int, pause: float = 0.0) -> Watch:
    """So many files of `size` at once, each in parts and by the same server as bin/up starts."""
    secret, content = secret_of(deal), png(size)
    media = {"MEDIA_ROOT": str(folder / "media"), "UPLOADS_OPEN_MAX": str(4 * files), **PAGES}
    with web_server(folder, **media) as server, ThreadPoolExecutor(files) as people:
        program = Program(server.port, secret)
        # Each thread of each process takes once what it keeps: a connection, what it has compiled, buffers.
        list(people.map(lambda _: program.in_parts(png(2 * MIB)), range(2 * files)))
        began = time.monotonic()
        with Watch(server.port, server.group, "/products/") as watch:
            ids = list(people.map(lambda _: program.in_parts(content, pause=pause), range(files)))
        seconds = time.monotonic() - began
        print(f"\n{files} uploads of {size / MIB:.0f} MB in parts: {seconds:.1f} s, {watch}")
        few = {"description": "As planned.", "attachments": ids[:10]}
        status, answer = program.ask("POST", submit(deal), few)
        assert status == 200, answer
    digest = hashlib.sha256(content).hexdigest()
    assert {one.sha256 for one in Attachment.objects.all()} == {digest}
    for one in Attachment.objects.all():
        with (folder / "media" / one.file.name).open("rb") as stored:
            assert hashlib.file_digest(stored, "sha256").hexdigest() == digest
    return watch


def test_memory_does_not_depend_on_how_large_the_files_are(deal: Deal, tmp_path: Path) -> None:
    """120 MB in 120 parts. What is kept of a body, however long, is in `tests/kernel/test_bodies.py` to the byte."""
    watch = uploads_at_once(tmp_path, deal, files=10, size=12 * MIB)
    assert watch.growth < 12 * MIB


@pytest.mark.long
def test_memory_stays_flat_and_pages_quick_while_20_files_of_50_mb_are_uploaded(deal: Deal, tmp_path: Path) -> None:
    watch = uploads_at_once(tmp_path, deal, files=20, size=50 * MIB)
    # 1,000 MB pass through two processes with six threads each.
    assert watch.growth < 20 * MIB
    assert watch.slowest_of(95) < 2.0


@pytest.mark.long
def test_pages_stay_quick_while_20_slow_lines_upload(deal: Deal, tmp_path: Path) -> None:
    """Each part takes a second and more: more lines than the server has threads."""
    watch = uploads_at_once(tmp_path, deal, files=20, size=4 * MIB, pause=0.15)
    assert watch.slowest_of(95) < 2.0


@pytest.mark.long
def test_memory_stays_flat_while_20_forms_with_50_mb_are_sent(deal: Deal, tmp_path: Path) -> None:
    """Without JavaScript, or by a program: plain multipart. One of them is the request, the others come too late."""
    secret, content = secret_of(deal), png(50 * MIB)
    media = {"MEDIA_ROOT": str(tmp_path / "media"), **PAGES}
    with web_server(tmp_path, **media) as server, ThreadPoolExecutor(20) as people:
        program = Program(server.port, secret)
        list(people.map(lambda _: program.in_parts(png(2 * MIB)), range(6)))
        with Watch(server.port, server.group, "/products/") as watch:
            answers = list(people.map(lambda _: as_form(program, deal, content), range(20)))
        print(f"\n20 forms with 50 MB: {watch}")
    assert sorted(status for status, _answer in answers) == [200] + [409] * 19
    assert watch.growth < 200 * MIB
    files = [one for one in (tmp_path / "media").rglob("*") if one.is_file() and one.stat().st_size > 3 * MIB]
    assert len(files) == 1, "what came too late is gone"


def test_a_full_disk_refuses_clearly_and_leaves_old_files_whole(deal: Deal, tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    secret = secret_of(deal)
    folders = {"MEDIA_ROOT": str(tmp_path / "media"), "FILE_UPLOAD_TEMP_DIR": str(tmp_path / "temp")}
    (tmp_path / "temp").mkdir()
    small, large = png(2 * MIB), png(6 * MIB)
    with web_server(tmp_path, longest_file=3 * MIB, **folders) as server:
        program = Program(server.port, secret)
        old = program.in_parts(small)
        status, refused = as_form(program, deal, large)
        assert (status, refused["code"]) == (503, "attachment_refused"), refused
        assert refused["detail"].startswith("plan.png can't be stored now: there is no room.")
        with pytest.raises(AssertionError, match="no room"):
            program.in_parts(large)
        assert not Attachment.objects.exists()
        left = [one for one in (tmp_path / "media" / "attachments").rglob("*") if one.is_file()]
        assert [one.stat().st_size for one in left] == [2 * MIB], "no half of a file"
        assert not list((tmp_path / "temp").iterdir())
    kept = Upload.objects.get(public_id=old)
    assert default_storage.open(kept.file.name).read() == small
    # There is room again: what was received goes on, only the last step is tried anew.
    waiting = Upload.objects.get(status="receiving")
    with web_server(tmp_path, **folders) as server:
        program = Program(server.port, secret)
        status, answer = program.ask("POST", f"uploads/{waiting.public_id}/complete/")
        assert (status, answer["status"]) == (200, "ready")


def test_a_form_that_breaks_off_changes_nothing(deal: Deal, tmp_path: Path) -> None:
    secret = secret_of(deal)
    with web_server(tmp_path, MEDIA_ROOT=str(tmp_path / "media")) as server:
        program = Program(server.port, secret)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.putrequest("POST", f"/api/v1/{submit(deal)}")
        connection.putheader("Authorization", f"Token {program.secret}")
        connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
        connection.putheader("Content-Length", str(3 * MIB))
        connection.endheaders()
        part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="description"\r\n\r\nHalf.\r\n--{BOUNDARY}\r\n'
        connection.send(part.encode() + b'Content-Disposition: form-data; name="attachment"; filename="a.png"\r\n\r\n')
        connection.send(png(2 * MIB))
        connection.close()
        time.sleep(2)
        assert deal.now().status == "awaiting_request"
        assert not Attachment.objects.exists()
        status, _answer = program.ask("GET", f"service-flows/{deal.flow.public_id}/")
        assert status == 200
