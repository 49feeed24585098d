"""What leaves a service flow as files: records as CSV and PDF, and the whole case as one zip.

The same state gives the same bytes each time, so that two copies of one case can be compared.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.core.files.storage import default_storage

from accounts.actor import Party
from koogallery.kernel.pdf import day_of, render
from koogallery.kernel.text import csv_cell
from orders.models import Order
from orders.terms import BILLING_ZONE
from supervision.choices import Action, FlowStatus
from supervision.evidence import evidence_of
from supervision.models import Attachment, FlowRecord, ServiceFlow
from supervision.words import state

CHUNK = 256 * 1024
# A zip's entries carry a time, but a time of making would make two copies of one state differ.
NO_TIME = (1980, 1, 1, 0, 0, 0)


def _label(flow: ServiceFlow, status: str) -> str:
    return state(FlowStatus(status), flow.flow_type).table_label if status else ""


def records_csv(flow: ServiceFlow, party: Party) -> Iterator[str]:
    """The operation records, newest first, times in ISO 8601 (UX 5); addresses for operations alone."""
    head = ["time", "action", "by", "role", "from", "to", "note", "files", "criteria not met"]
    with_address = party is Party.OPERATIONS
    yield _line([*head, "address"] if with_address else head)
    for entry in flow.records.all():
        row = [
            entry.at.isoformat(timespec="seconds"),
            str(Action(entry.action).label),
            csv_cell(entry.author_for(party)),
            entry.party,
            _label(flow, entry.from_status),
            _label(flow, entry.to_status),
            csv_cell(entry.note),
            csv_cell("; ".join(one.name for one in entry.attachments.all())),
            csv_cell("; ".join(entry.failed_criteria)),
        ]
        yield _line([*row, entry.address] if with_address else row)


def _line(row: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(row)
    return buffer.getvalue()


def records_pdf(flow: ServiceFlow, party: Party) -> bytes:
    """The operation records as a document of evidence, newest first."""
    order = flow.order
    records = list(flow.records.all())
    newest = records[0].at if records else flow.created_at
    return render(
        "records",
        {
            "site": settings.SITE_CLOUD_NAME,
            "title": f"Operation records {order.number}",
            "day": day_of(newest.astimezone(BILLING_ZONE)),
            "facts": [
                ["Order No.", order.number],
                ["Product Name", order.product.name],
                ["Customer", flow.account.name],
                ["Service Provider", flow.seller.name],
                ["Service Flow", str(flow.get_flow_type_display())],
                ["Service Status", flow.state.filter_label],
            ],
            "records": [_printed(flow, entry, party) for entry in records],
        },
    )


def _printed(flow: ServiceFlow, entry: FlowRecord, party: Party) -> dict[str, object]:
    moved = entry.from_status != entry.to_status
    address = f", {entry.address}" if party is Party.OPERATIONS else ""
    return {
        "at": entry.at.astimezone(BILLING_ZONE).strftime("%Y-%m-%d %H:%M:%S GMT+08:00"),
        "action": str(Action(entry.action).label),
        "by": f"{entry.author_for(party)} ({Party(entry.party).label}){address}",
        "from": _label(flow, entry.from_status) if moved else "",
        "to": _label(flow, entry.to_status) if moved else "",
        "note": entry.note,
        "files": [f"{one.name}, {one.size:,} bytes, SHA-256 {one.sha256}" for one in entry.attachments.all()],
    }


def order_summary(order: Order) -> str:
    """What was bought and for how much, as JSON."""
    lines = [
        {
            "product": line.product_name,
            "specification": line.specification_name,
            "attributes": {name: str(value) for name, value in line.chosen_attributes},
            "quantity": line.quantity,
            "billing_mode": line.billing_mode,
            "duration": line.duration_label,
            "amount": str(line.money.amount),
        }
        for line in order.lines.select_related("specification").prefetch_related("specification__attributes")
    ]
    facts = {
        "number": order.number,
        "customer": order.account.name,
        "seller": order.seller.name,
        "status": order.status,
        "currency": order.currency,
        "payable": str(order.payable),
        "created_at": order.created_at.isoformat(),
        "paid_at": order.paid_at.isoformat() if order.paid_at else None,
        "accepted_at": order.accepted_at.isoformat() if order.accepted_at else None,
        "lines": lines,
    }
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def evidence_summary(flow: ServiceFlow, party: Party) -> str:
    """What was agreed, asked, delivered and said, as JSON; files by their names, keys and passwords never."""
    evidence = evidence_of(flow, party)
    facts = {
        "acceptance_criteria": [
            {"number": one.number, "text": one.text, "failed_in_rounds": one.failed_in} for one in evidence.criteria
        ],
        "requests": [
            {
                "number": one.number,
                "at": one.at.isoformat(),
                "by": one.by,
                "description": one.text,
                "files": [file.name for file in one.files],
            }
            for one in reversed(evidence.requests)
        ],
        "deliveries": [
            {
                "round": one.number,
                "at": one.at.isoformat(),
                "by": one.by,
                "note": one.note,
                "answers": [
                    {"criterion": line.text, "text": line.answer, "file": line.file.name if line.file else None}
                    for line in one.lines
                ],
                "has_license_key": one.has_key,
                "has_application_information": one.has_application,
                "files": [file.name for file in one.files],
            }
            for one in reversed(evidence.rounds)
        ],
        "messages": [
            {"at": one.at.isoformat(), "by": one.by, "text": one.text, "files": [file.name for file in one.files]}
            for one in reversed(evidence.messages)
        ],
    }
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


@dataclass
class _Outlet(io.RawIOBase):
    """Where `zipfile` writes: what has come so far is taken out again and sent."""

    parts: list[bytes] = field(default_factory=list)
    place: int = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self.parts.append(piece)
        self.place += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self.place

    def taken(self) -> Iterator[bytes]:
        parts, self.parts = self.parts, []
        yield from parts


def case_zip(flow: ServiceFlow, party: Party) -> Iterator[bytes]:
    """The whole case as one zip, a piece at a time: records, files, agreements, order, what was asked and delivered, and a
    manifest of SHA-256.

    Each side gets what it may see: the agreements are the customer's with us, addresses are for operations.

    Args:
        flow: read by `evidence.with_evidence`.
    """
    outlet, sums = _Outlet(), []
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _documents(flow, party):
            archive.writestr(_entry(name), content)
            sums.append((hashlib.sha256(content).hexdigest(), name))
            yield from outlet.taken()
        for number, one in enumerate(flow.attachments.order_by("id"), 1):
            name = f"files/{number:03}-{one.name}"
            for _piece in _copy(one, archive, name):
                yield from outlet.taken()
            sums.append((one.sha256, name))
        archive.writestr(_entry("SHA256SUMS"), "".join(f"{digest}  {name}\n" for digest, name in sums))
    yield from outlet.taken()


def _documents(flow: ServiceFlow, party: Party) -> Iterator[tuple[str, bytes]]:
    yield "records.csv", "".join(records_csv(flow, party)).encode()
    yield "records.pdf", records_pdf(flow, party)
    yield "order.json", order_summary(flow.order).encode()
    yield "evidence.json", evidence_summary(flow, party).encode()
    if party is Party.SELLER:
        return
    for number, agreement in enumerate(flow.order.agreements.all(), 1):
        head = f"{agreement.title} {agreement.version}\nAccepted {agreement.accepted_at.isoformat()} by {agreement.accepted_by}\n"
        yield (
            f"agreements/{number:02}.txt",
            f"{head}SHA-256 of the text {agreement.text_sha256}\n\n{agreement.text}\n".encode(),
        )


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, NO_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _copy(one: Attachment, archive: zipfile.ZipFile, name: str) -> Iterator[None]:
    """Copy a stored file into the archive by pieces: memory stays flat."""
    with default_storage.open(str(one.file.name)) as source, archive.open(_entry(name), "w") as target:
        while piece := source.read(CHUNK):
            target.write(piece)
            yield
    yield
