"""What both portals' views share: the details page, the page of an act, files, records as CSV."""

from dataclasses import dataclass
from typing import Any, Protocol

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.files.storage import default_storage
from django.db.models import OuterRef
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.actor import Actor, Party
from accounts.permissions import Permission, may
from accounts.revealing import Shown
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError, InvalidInput, Throttled
from koogallery.kernel.web.files import pdf_response
from orders import ports
from orders.ports import ApplicationInformation, Credentials
from orders.reads import first_line
from supervision import exports, services
from supervision.acts import Act, act_named
from supervision.choices import BESIDE_STEPS, Action, AttachmentRule
from supervision.errors import AttachmentRefused, RequestAttachmentRequired
from supervision.evidence import applications_given, evidence_of, with_evidence
from supervision.forms import ActForm, MessageForm
from supervision.models import Attachment, NoteTemplate, RequirementTemplate, ServiceFlow, ServiceFlowQuerySet
from supervision.presentation import present
from supervision.services import allowed_actions, case_acts, may_appeal
from supervision.services.uploads import files_for_a_verb


def flow_or_404(rows: ServiceFlowQuerySet, number: str) -> ServiceFlow:
    """The flow of an order, with all that a details page prints, in a fixed number of queries."""
    made = ports.applications().machine_made(OuterRef("order"))
    flow: ServiceFlow = get_object_or_404(with_evidence(rows).annotate(made_by_machine=made), order__number=number)
    flow.order.made_by_machine = flow.made_by_machine  # type: ignore[attr-defined]
    return flow


def details(request: HttpRequest, flow: ServiceFlow, by: Actor, template: str) -> HttpResponse:
    """The details page of one side."""
    line = first_line(flow.order)
    context = {
        "view": present(flow, by, clock.now()),
        "flow": flow,
        "order": flow.order,
        "product": flow.order.product,
        "line": line,
        "attributes": line.chosen_attributes if line else [],
        "application": application_block(flow, by),
    }
    return render(request, template, context)


@dataclass(frozen=True, slots=True)
class ApplicationBlock:
    """What one side reads of the application's information; a seller that he gave it, never the password again."""

    information: ApplicationInformation | None
    reveal_url: str


def application_block(flow: ServiceFlow, by: Actor) -> ApplicationBlock | None:
    """The block of a details page, or None where the product has no such information."""
    if not ports.applications().kept_for(flow.order.product):
        return None
    selling = by.party is Party.SELLER
    # The seller's server gives it apart from any round.
    versions = applications_given(flow) or ports.applications().versions(flow.order)
    given = [one for one in versions.values() if selling or one.handed_over]
    newest = max(given, key=lambda one: one.version, default=None)
    mine = not selling and may(by.role, Permission.REVEAL)
    return ApplicationBlock(newest, reverse("supervision:application", args=[flow.order.number]) if mine else "")


def shown_credentials(found: Credentials) -> list[Shown]:
    """The lines of the page that shows them; the eye shows the last one, the password."""
    memo = [Shown(_("Memo"), found.memo)] if found.memo else []
    return [Shown(_("Username"), found.username), *memo, Shown(_("Password"), found.password)]


def act_page(
    request: HttpRequest, flow: ServiceFlow, path: str, by: Actor, *, template: str, back: str
) -> HttpResponse:
    """The own page of an act, which the dialog repeats, and what its form does."""
    act = act_named(by.party, path)
    if act is None:
        raise Http404
    step = flow.graph.step(act.action, flow.status)
    must = bool(step and step.attachments == AttachmentRule.MANDATORY)
    templates = list(NoteTemplate.objects.fitting(flow)) if act.action == Action.DELIVER else []
    chosen = next((one for one in templates if one.public_id == request.GET.get("template")), None)
    # The message that opened the appeal leads here with the ground filled in: one click is left.
    first = {"reason": may_appeal(flow, by.party, clock.now()).reason} if request.GET.get("ground") else {}
    first = {act.text: chosen.text} if chosen else first
    form = ActForm(act, flow, files_required=must, by=by, initial=first)
    status = 200
    if request.method == "POST":
        form = ActForm(act, flow, request.POST, request.FILES, files_required=False, by=by)
        if form.is_valid() and _carry_out(request, flow, act, form, by):
            return redirect(back)
        services.refuse_out_of_turn(flow, act.action, by=by)
        status = 422
    allowed = allowed_actions(flow, by, clock.now())
    context = {
        "act": act,
        "title": act.title_of(flow.order.product),
        "form": form,
        "flow": flow,
        "order": flow.order,
        "product": flow.order.product,
        "line": flow.order.lines.first(),
        "asks_first": act.action == Action.SUBMIT_REQUEST,
        "requirement_files": (
            RequirementTemplate.objects.filter(product=flow.order.product_id)
            if act.action == Action.SUBMIT_REQUEST
            else []
        ),
        "templates": templates,
        "chosen": chosen,
        "allowed": act.action in allowed,
        "why_not": dict(case_acts(flow, by, clock.now())).get(act.action),
        "files_required": must,
        **_upload_fields(by),
        "back": back,
        "rejection": flow.buyer_rejections + 1 if act.action == Action.REJECT else flow.seller_rejections + 1,
        "view": present(flow, by, clock.now()),
    }
    return render(request, template, context, status=status)


def _upload_fields(by: Actor) -> dict[str, Any]:
    """What the component `upload` needs: files travel in parts before their form."""
    return {
        "upload_url": reverse("supervision:seller_uploads" if by.party is Party.SELLER else "supervision:uploads"),
        "max_bytes": settings.ATTACHMENT_MAX_BYTES,
        "max_files": settings.ATTACHMENTS_MAX,
    }


def _carry_out(request: HttpRequest, flow: ServiceFlow, act: Act, form: ActForm, by: Actor) -> bool:
    """Run the verb; what is wrong with the input goes beside its field."""
    try:
        sent, more = form.files_given, form.more
        answers = more.get("answers", {})
        with files_for_a_verb([*sent, *services.answer_files(answers)]) as files:
            if answers:
                more["answers"] = services.with_files(answers, files[len(sent) :])
            outcome = act.run(flow, form.text, files[: len(sent)], by, **more)
    except (InvalidInput, AttachmentRefused, RequestAttachmentRequired) as refused:
        add_refusal(form, refused)
        return False
    messages.success(request, str(act.done_text(outcome)))
    return True


def messages_page(request: HttpRequest, flow: ServiceFlow, by: Actor, *, template: str, back: str) -> HttpResponse:
    """The messages between the two sides, and the form of another one."""
    refusal = services.message_refusal(flow, clock.now())
    silent = by.party is Party.BUYER and not may(by.role, Permission.SUPERVISE)
    steps = [one for one in flow.records.all() if one.action not in BESIDE_STEPS]
    form = MessageForm(steps, by=by)
    status = 200
    if request.method == "POST":
        form = MessageForm(steps, request.POST, request.FILES, by=by)
        if form.is_valid() and _send(flow, form, by):
            messages.success(request, _("The message was sent."))
            return redirect(request.path)
        status = 422
    context = {
        "form": form,
        "flow": flow,
        "order": flow.order,
        "product": flow.order.product,
        "messages_shown": evidence_of(flow, by.party).messages,
        **_upload_fields(by),
        "refusal": refusal,
        "silent": silent,
        "back": back,
    }
    return render(request, template, context, status=status)


def _send(flow: ServiceFlow, form: MessageForm, by: Actor) -> bool:
    given = form.cleaned_data
    try:
        with files_for_a_verb(form.files_given) as files:
            services.send_message(flow, text=given["text"], files=files, mentions=given["mentions"], by=by)
    except (InvalidInput, AttachmentRefused, Throttled) as refused:
        add_refusal(form, refused)
        return False
    return True


def add_refusal(form: forms.Form, refused: DomainError) -> None:
    """What a service refused, beside its field where the form has it."""
    for field, texts in (refused.errors or {"": [refused.message]}).items():
        for text in texts:
            form.add_error(field if field in form.fields else None, text)


def attachment_file(flow: ServiceFlow, key: str) -> FileResponse:
    """A file of the flow as a download; never shown in the page, never guessed at by the browser."""
    return download(get_object_or_404(flow.attachments, public_id=key))


class Stored(Protocol):
    """A row that names a stored file."""

    name: str
    content_type: str
    size: int
    file: Any


def download(found: "Stored | Attachment | RequirementTemplate") -> FileResponse:
    """A stored file, always as a download."""
    response = FileResponse(
        default_storage.open(str(found.file.name)),
        as_attachment=True,
        filename=found.name,
        content_type=found.content_type,
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    # Known without asking the storage.
    response["Content-Length"] = str(found.size)
    return response


def records_csv(flow: ServiceFlow, party: Party) -> StreamingHttpResponse:
    """The operation records as CSV."""
    response = StreamingHttpResponse(exports.records_csv(flow, party), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{flow.order.number}-records.csv"'
    return response


def records_pdf(flow: ServiceFlow, party: Party) -> HttpResponse:
    """The operation records as one PDF."""
    return pdf_response(exports.records_pdf(flow, party), f"{flow.order.number}-records")


def case_zip(flow: ServiceFlow, party: Party) -> StreamingHttpResponse:
    """The whole case as one zip, streamed."""
    response = StreamingHttpResponse(exports.case_zip(flow, party), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{flow.order.number}-case.zip"'
    response["Cache-Control"] = "private, no-store"
    return response
