"""What leaves a flow as files: records as PDF, the whole case as one zip, the same bytes each time."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pytest
from pypdf import PdfReader

from accounts.actor import Party
from accounts.models import User
from supervision import exports, services
from supervision.models import ServiceFlow
from supervision.views.pages import flow_or_404
from tests.factories import AgreementFactory
from tests.supervision.sample_files import PDF as SMALL_PDF
from tests.supervision.test_flow import a_file

PDF = SMALL_PDF.replace(b"trailer", b"%" + b"0123456789" * 60_000 + b"\ntrailer")


@pytest.fixture
def case(deal):
    AgreementFactory()
    one = deal()
    services.deliver(one.flow, note="=1+1", files=[a_file("the key.pdf", PDF), a_file("the key.pdf")], by=one.seller)
    services.reject_delivery(one.flow, reason="Not #panic() this.", by=one.buyer)
    services.file_appeal(one.flow, reason="Silence.", by=one.buyer, at=one.now().waiting_since + timedelta(days=6))
    one.page = flow_or_404(ServiceFlow.objects.all(), one.flow.order.number)
    return one


def opened(one, party: Party) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(exports.case_zip(one.page, party))))


def test_the_whole_case_leaves_as_one_zip_with_a_manifest(case):
    archive = opened(case, Party.OPERATIONS)
    assert archive.testzip() is None
    assert archive.namelist() == [
        "records.csv", "records.pdf", "order.json", "evidence.json", "agreements/01.txt", "files/001-the key.pdf", "files/002-the key.pdf", "SHA256SUMS",
    ]  # fmt: skip
    for line in archive.read("SHA256SUMS").decode().splitlines():
        digest, name = line.split("  ", 1)
        assert hashlib.sha256(archive.read(name)).hexdigest() == digest
    assert archive.read("files/001-the key.pdf") == PDF
    assert json.loads(archive.read("order.json"))["payable"] == "5.0000"
    evidence = json.loads(archive.read("evidence.json"))
    [delivery] = evidence["deliveries"]
    assert (delivery["round"], delivery["note"]) == (1, "=1+1")
    assert delivery["files"] == ["the key.pdf", "the key.pdf"]
    assert (evidence["requests"], evidence["messages"]) == ([], [])
    assert "You pay, we keep the money" in archive.read("agreements/01.txt").decode()


def test_the_same_state_gives_the_same_bytes(case):
    assert b"".join(exports.case_zip(case.page, Party.BUYER)) == b"".join(exports.case_zip(case.page, Party.BUYER))
    assert exports.records_pdf(case.page, Party.BUYER) == exports.records_pdf(case.page, Party.BUYER)


def test_each_side_gets_what_it_may_see(case):
    assert "agreements/01.txt" in opened(case, Party.BUYER).namelist()
    assert not [name for name in opened(case, Party.SELLER).namelist() if name.startswith("agreements/")]
    head = {party: opened(case, party).read("records.csv").decode().splitlines()[0] for party in Party}
    assert [party for party in Party if "address" in head[party]] == [Party.OPERATIONS]


def test_which_of_the_operators_it_was_is_for_operations_alone(case, client):
    services.decide_appeal(case.flow, decision="resume", reason="Go on.", by=case.operator)
    case.page = flow_or_404(ServiceFlow.objects.all(), case.flow.order.number)
    told = {party: opened(case, party).read("records.csv").decode() for party in Party}
    assert [party for party in Party if case.operator.label in told[party]] == [Party.OPERATIONS]
    assert [party for party in Party if "KooGallery operations" in told[party]] == [
        Party.BUYER, Party.SELLER, Party.SYSTEM
    ]  # fmt: skip
    number = case.flow.order.number
    for user, path in ((case.buyer, f"/my/supervision/{number}/"), (case.seller, f"/seller/supervision/{number}/")):
        client.force_login(User.objects.get(pk=user.user_id))
        page = client.get(path).content.decode()
        assert "KooGallery operations" in page
        assert case.operator.label not in page
        pdf = PdfReader(io.BytesIO(b"".join(client.get(f"{path}records.pdf"))))
        text = "".join(one.extract_text() for one in pdf.pages)
        assert "KooGallery operations" in text
        assert case.operator.label not in text


def test_the_zip_leaves_in_pieces(case):
    pieces = list(exports.case_zip(case.page, Party.BUYER))
    assert max(len(one) for one in pieces) <= exports.CHUNK + 1024


def test_records_as_pdf_print_every_record_as_it_was_written(case):
    reader = PdfReader(io.BytesIO(exports.records_pdf(case.page, Party.SELLER)))
    text = "".join(page.extract_text() for page in reader.pages)
    for words in ("Appeal submitted", "Not #panic() this.", "Delivery rejected", "the key.pdf", case.flow.order.number):
        assert words in text


@pytest.mark.parametrize("name", ["records.csv", "records.pdf", "case.zip"])
def test_both_sides_and_operations_download_them(case, client, name):
    number = case.flow.order.number
    for user, path in ((case.buyer, f"/my/supervision/{number}/"), (case.seller, f"/seller/supervision/{number}/")):
        client.force_login(User.objects.get(pk=user.user_id))
        answer = client.get(path + name)
        assert answer.status_code == 200
        assert answer["Content-Disposition"].startswith("attachment")
        assert b"".join(answer)
    client.force_login(User.objects.get(pk=case.operator.user_id))
    if name != "records.csv":
        assert client.get(f"/admin/supervision/appeal/{case.page.appeals.get().pk}/{name}").status_code == 200
