"""Files through the production web server: memory stays flat, pages stay quick, a full disk is refused clearly."""

import contextlib
import hashlib
import http.client
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from accounts.models import Account, User
from accounts.services import create_api_key
from supervision.models import Attachment, FlowTemplate, Upload
from tests.processes import Server, web_server
from tests.supervision.conftest import Deal, make_deal
from tests.supervision.sample_files import png

pytestmark = pytest.mark.django_db(transaction=True)

MIB = 1 << 20
BOUNDARY = "----files"
# Every page is made anew.
PAGES = {"PAGE_CACHE_SECONDS": "0", "DJANGO_SETTINGS_MODULE": "tests.faults.plain_static_settings"}


@pytest.fixture
def deal(transactional_db: None) -> Deal:
    FlowTemplate.objects.get_or_create(flow_type="standard", version=1, defaults={"appeal_on_acceptance_after": 2})
    return make_deal(service=True)


class Program:
    """A program with the buyer's key."""

    def __init__(self, deal: Deal) -> None:
        self.flow = deal.flow.public_id
        account = Account.objects.get(pk=deal.buyer.account_id)
        user = User.objects.get(pk=deal.buyer.user_id)
        _key, self.secret = create_api_key(user, name="test", account=account)

    def ask(self, port: int, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        sent = {"Authorization": f"Token {self.secret}", "Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        with contextlib.closing(connection):
            connection.request(method, f"/api/v1/{path}", json.dumps(body) if isinstance(body, dict) else body, sent)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else {}

    def in_parts(self, port: int, content: bytes, *, pause: float = 0.0) -> str:
        """Upload in parts of 1 MiB, waiting for its turn; the finished upload's id."""
        status, upload = self.ask(port, "POST", "uploads/", {"name": "plan.png", "size": len(content)})
        assert status == 201, upload
        path = f"uploads/{upload['id']}/"
        while upload["received"] < len(content):
            at = upload["received"]
            part = content[at : at + MIB]
            body = slowly(part, pause) if pause else part
            length = {"Content_Length": str(len(part)), "Upload_Offset": str(at)}
            try:
                status, answer = self.ask(port, "PATCH", path, body, Content_Type="application/octet-stream", **length)
            except (BrokenPipeError, ConnectionResetError):
                # A busy server answers and closes without reading the part.
                status, upload = self.ask(port, "GET", path)
                time.sleep(0.3)
                continue
            if answer.get("code") == "uploads_busy":
                time.sleep(0.3)
                continue
            assert status == 200, answer
            upload = answer
        status, answer = self.ask(port, "POST", f"{path}complete/")
        while answer.get("code") == "uploads_busy":
            time.sleep(0.3)
            status, answer = self.ask(port, "POST", f"{path}complete/")
        assert (status, answer.get("status")) == (200, "ready"), answer
        return str(upload["id"])

    def as_form(self, port: int, content: bytes) -> tuple[int, dict]:
        """One multipart request."""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="description"\r\n\r\nAs planned.\r\n'
        head += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="attachment"; filename="plan.png"\r\n\r\n'
        tail = f"\r\n--{BOUNDARY}--\r\n"
        body = head.encode() + content + tail.encode()
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return self.ask(port, "POST", f"service-flows/{self.flow}/submit-request/", body, Content_Type=kind)


def slowly(part: bytes, pause: float) -> Iterator[bytes]:
    """As a slow line brings it."""
    for start in range(0, len(part), MIB // 8):
        yield part[start : start + MIB // 8]
        time.sleep(pause)


class Watch:
    """The server's memory, and how long a page takes, while something happens."""

    def __init__(self, server: Server, page: str) -> None:
        self.server, self.page = server, page
        self.peak, self.waits, self._over = 0, [], threading.Event()
        self._threads = [threading.Thread(target=one) for one in (self._weigh, self._visit)]

    def __enter__(self) -> "Watch":
        # In every thread of every process, as with the uploads.
        with ThreadPoolExecutor(12) as visitors:
            list(visitors.map(lambda _: self._load(), range(72)))
        self.waits.clear()
        self.before = self.server.memory()
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        for one in self._threads:
            one.join()

    def _weigh(self) -> None:
        while not self._over.wait(0.05):
            self.peak = max(self.peak, self.server.memory())

    def _visit(self) -> None:
        while not self._over.wait(0.05):
            self._load()

    def _load(self) -> None:
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", self.page)
            answer = connection.getresponse()
            answer.read()
        assert answer.status == 200
        self.waits.append(time.monotonic() - began)

    @property
    def growth(self) -> int:
        return max(0, self.peak - self.before)

    @property
    def slowest_of_20(self) -> float:
        """The 95th of a hundred."""
        return sorted(self.waits)[int(len(self.waits) * 0.95)]

    def __str__(self) -> str:
        return (
            f"memory {self.before / MIB:.0f} MB before, {self.peak / MIB:.0f} MB at most (+{self.growth / MIB:.0f}); "
            f"{len(self.waits)} pages, 95th percentile {self.slowest_of_20 * 1000:.0f} ms, "
            f"slowest {max(self.waits) * 1000:.0f} ms"
        )


def uploads_at_once(folder: Path, deal: Deal, *, files: int, size: int, pause: float = 0.0) -> Watch:
    """So many files of `size` at once, each in parts and by the same server as bin/up starts."""
    program, content = Program(deal), png(size)
    media = {"MEDIA_ROOT": str(folder / "media"), "UPLOADS_OPEN_MAX": str(4 * files), **PAGES}
    with web_server(folder, **media) as server, ThreadPoolExecutor(files) as people:
        # Each thread of each process takes once what it keeps: a connection, what it has compiled, buffers.
        list(people.map(lambda _: program.in_parts(server.port, png(2 * MIB)), range(2 * files)))
        began = time.monotonic()
        with Watch(server, "/products/") as watch:
            ids = list(people.map(lambda _: program.in_parts(server.port, content, pause=pause), range(files)))
        seconds = time.monotonic() - began
        print(f"\n{files} uploads of {size / MIB:.0f} MB in parts: {seconds:.1f} s, {watch}")
        few = {"description": "As planned.", "attachments": ids[:10]}
        status, answer = program.ask(server.port, "POST", f"service-flows/{program.flow}/submit-request/", few)
        assert status == 200, answer
    digest = hashlib.sha256(content).hexdigest()
    assert {one.sha256 for one in Attachment.objects.all()} == {digest}
    for one in Attachment.objects.all():
        with (folder / "media" / one.file.name).open("rb") as stored:
            assert hashlib.file_digest(stored, "sha256").hexdigest() == digest
    return watch


def test_memory_stays_flat_while_files_are_uploaded(deal: Deal, tmp_path: Path) -> None:
    watch = uploads_at_once(tmp_path, deal, files=4, size=12 * MIB)
    assert watch.growth < 40 * MIB


@pytest.mark.long
def test_memory_stays_flat_and_pages_quick_while_20_files_of_50_mb_are_uploaded(deal: Deal, tmp_path: Path) -> None:
    watch = uploads_at_once(tmp_path, deal, files=20, size=50 * MIB)
    # 1,000 MB pass through two processes with six threads each: 43 MB more than after small files of as many senders.
    # Nothing of ours holds more than blocks of 64 KiB of a file.
    assert watch.growth < 80 * MIB
    assert watch.slowest_of_20 < 2.0


@pytest.mark.long
def test_pages_stay_quick_while_20_slow_lines_upload(deal: Deal, tmp_path: Path) -> None:
    """Each part takes a second and more: more lines than the server has threads."""
    watch = uploads_at_once(tmp_path, deal, files=20, size=4 * MIB, pause=0.15)
    assert watch.slowest_of_20 < 2.0


@pytest.mark.long
def test_memory_stays_flat_while_20_forms_with_50_mb_are_sent(deal: Deal, tmp_path: Path) -> None:
    """Without JavaScript, or by a program: plain multipart. One of them is the request, the others come too late."""
    program, content = Program(deal), png(50 * MIB)
    media = {"MEDIA_ROOT": str(tmp_path / "media"), **PAGES}
    with web_server(tmp_path, **media) as server, ThreadPoolExecutor(20) as people:
        list(people.map(lambda _: program.in_parts(server.port, png(2 * MIB)), range(6)))
        with Watch(server, "/products/") as watch:
            answers = list(people.map(lambda _: program.as_form(server.port, content), range(20)))
        print(f"\n20 forms with 50 MB: {watch}")
    assert sorted(status for status, _answer in answers) == [200] + [409] * 19
    assert watch.growth < 200 * MIB
    files = [one for one in (tmp_path / "media").rglob("*") if one.is_file() and one.stat().st_size > 3 * MIB]
    assert len(files) == 1, "what came too late is gone"


def test_a_full_disk_refuses_clearly_and_leaves_old_files_whole(deal: Deal, tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    program = Program(deal)
    folders = {"MEDIA_ROOT": str(tmp_path / "media"), "FILE_UPLOAD_TEMP_DIR": str(tmp_path / "temp")}
    (tmp_path / "temp").mkdir()
    small, large = png(2 * MIB), png(6 * MIB)
    with web_server(tmp_path, longest_file=3 * MIB, **folders) as server:
        old = program.in_parts(server.port, small)
        status, refused = program.as_form(server.port, large)
        assert (status, refused["code"]) == (503, "attachment_refused"), refused
        assert refused["detail"].startswith("plan.png can't be stored now: there is no room.")
        with pytest.raises(AssertionError, match="no room"):
            program.in_parts(server.port, large)
        assert not Attachment.objects.exists()
        left = [one for one in (tmp_path / "media" / "attachments").rglob("*") if one.is_file()]
        assert [one.stat().st_size for one in left] == [2 * MIB], "no half of a file"
        assert not list((tmp_path / "temp").iterdir())
    kept = Upload.objects.get(public_id=old)
    assert default_storage.open(kept.file.name).read() == small
    # There is room again: what was received goes on, only the last step is tried anew.
    waiting = Upload.objects.get(status="receiving")
    with web_server(tmp_path, **folders) as server:
        status, answer = program.ask(server.port, "POST", f"uploads/{waiting.public_id}/complete/")
        assert (status, answer["status"]) == (200, "ready")


def test_a_form_that_breaks_off_changes_nothing(deal: Deal, tmp_path: Path) -> None:
    program = Program(deal)
    with web_server(tmp_path, MEDIA_ROOT=str(tmp_path / "media")) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.putrequest("POST", f"/api/v1/service-flows/{program.flow}/submit-request/")
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
        status, _answer = program.ask(server.port, "GET", f"service-flows/{program.flow}/")
        assert status == 200
