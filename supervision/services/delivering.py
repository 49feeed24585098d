"""What a delivery gives and a rejection names: note, files, answers to criteria, a key, application information."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from catalog.choices import FlowType
from koogallery.kernel.errors import FieldNotTaken, InvalidInput
from orders import ports
from orders.ports import ApplicationGiven
from supervision.choices import Purpose
from supervision.files import Attachable, CheckedFile, check_files
from supervision.models import Delivery, FlowRecord, LicenseKey, ServiceFlow
from supervision.services.acting import optional_text, store_files


@dataclass(frozen=True, slots=True)
class Answer:
    """The seller's answer to one criterion: a text, a file, or both."""

    text: str = ""
    file: Attachable | None = None


def answer_files(answers: Mapping[int, Answer]) -> list[Attachable]:
    """The answers' files, in the order of the answers."""
    return [one.file for one in answers.values() if one.file]


def with_files(answers: Mapping[int, Answer], files: Sequence[Attachable]) -> dict[int, Answer]:
    """The answers with `files`, which were checked meanwhile, in the place of their own; as many, in the same order."""
    checked = iter(files)
    return {number: replace(one, file=next(checked)) if one.file else one for number, one in answers.items()}


@dataclass(slots=True)
class Given:
    """A delivery's content, its texts cleaned and its files checked."""

    note: str
    files: list[CheckedFile]
    key: str
    texts: dict[int, str] = field(default_factory=dict)
    answer_files: dict[int, CheckedFile] = field(default_factory=dict)
    application: ApplicationGiven | None = None


def checked_content(
    note: str,
    files: Sequence[Attachable],
    answers: Mapping[int, Answer] | None = None,
    license_key: str = "",
    application: ApplicationGiven | None = None,
) -> Given:
    """Clean and check what does not depend on the flow, before its order is locked.

    Args:
        answers: by the criterion's number, from 1.

    Raises:
        InvalidInput: a text is too long or has characters that no text has; nothing was given at all.
        AttachmentRefused: a file.
    """
    given = Given(optional_text(note, "note"), [], optional_text(license_key, "license_key"))
    for number, answer in (answers or {}).items():
        if text := optional_text(answer.text, f"answer_{number}"):
            given.texts[number] = text
    # One check for all, so that the number of files counts those of the answers too.
    numbers = [number for number, one in (answers or {}).items() if one.file]
    everything = check_files([*files, *answer_files(answers or {})])
    given.files = everything[: len(files)]
    given.answer_files = dict(zip(numbers, everything[len(files) :], strict=True))
    if application:
        given.application = ports.applications().checked(application)
    if not (given.note or given.files or given.key or given.texts or given.answer_files or given.application):
        why = "Enter a note or attach a file: a delivery cannot be empty."
        raise InvalidInput(why, errors={"note": [why]})
    return given


def check_answers(flow: ServiceFlow, given: Given) -> None:
    """Every criterion that the flow is pinned to is answered, and nothing is given that the product does not take.

    Raises:
        InvalidInput: names each line without an answer.
        FieldNotTaken: an answer to a line that there is not, a key for what is no licence, application information
            for what is no SaaS or gets it by machine.
    """
    lines = flow.criteria.lines if flow.criteria else []
    numbers = {*given.texts, *given.answer_files}
    if unknown := sorted(numbers - {*range(1, len(lines) + 1)}):
        raise FieldNotTaken(errors={f"answer_{number}": ["There is no such criterion."] for number in unknown})
    if given.key and flow.flow_type != FlowType.LICENSE:
        raise FieldNotTaken(errors={"license_key": ["Only the delivery of a license has a key."]})
    if given.application and not ports.applications().taken_for(flow.order):
        why = "Only the delivery of a SaaS product without a production interface has application information."
        raise FieldNotTaken(errors={"application": [why]})
    missing = [number for number in range(1, len(lines) + 1) if number not in numbers]
    if missing:
        raise InvalidInput(
            "Answer every acceptance criterion with a text or a file.",
            errors={
                f"answer_{number}": [f"Answer criterion {number} with a text or a file: {lines[number - 1]}"]
                for number in missing
            },
        )


def keep_delivery(flow: ServiceFlow, entry: FlowRecord, given: Given, application: int | None) -> Delivery:
    """Keep the round with its files, answers, key and the version of its application information."""
    store_files(entry, [*given.files, *given.answer_files.values()], Purpose.DELIVERY)
    stored = list(entry.attachments.order_by("id").values_list("public_id", flat=True))[len(given.files) :]
    keys = dict(zip(given.answer_files, stored, strict=True))
    count = len(flow.criteria.lines) if flow.criteria else 0
    delivery = Delivery.objects.create(
        flow=flow,
        round=flow.rounds,
        record=entry,
        note=given.note,
        criteria=flow.criteria,
        answers=[{"text": given.texts.get(number, ""), "file": keys.get(number, "")} for number in range(1, count + 1)],
        application=application,
    )
    if given.key:
        LicenseKey.objects.create(delivery=delivery, key=given.key)
    return delivery


def failed_lines(flow: ServiceFlow, numbers: Sequence[int]) -> list[str]:
    """The criteria that a rejection names, in their order. Where there are criteria it names at least one.

    Raises:
        InvalidInput: none, or one that there is not.
    """
    lines = flow.criteria.lines if flow.criteria else []
    if unknown := sorted(set(numbers) - {*range(1, len(lines) + 1)}):
        why = f"There is no criterion {unknown[0]}."
        raise InvalidInput(why, errors={"failed_criteria": [why]})
    if lines and not numbers:
        why = "Select the acceptance criteria that the delivery does not meet."
        raise InvalidInput(why, errors={"failed_criteria": [why]})
    return [lines[number - 1] for number in sorted(set(numbers))]
