"""Files travel in parts before their form is sent: progress, cancel, retry, remove, and all of it without JavaScript."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from supervision.models import Attachment, FlowTemplate, Upload
from tests.factories import UserFactory
from tests.supervision.conftest import make_deal
from tests.supervision.sample_files import PDF, png

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MIB = 1 << 20


@pytest.fixture(autouse=True)
def _own_storage(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def deal(transactional_db):
    for flow_type in ("standard", "license"):
        FlowTemplate.objects.get_or_create(flow_type=flow_type, version=1, defaults={"appeal_on_acceptance_after": 2})
    return make_deal(service=True)


@pytest.fixture
def buyer(person, deal):
    someone = person("buyer")
    someone.log_in(UserFactory._meta.model.objects.get(pk=deal.buyer.user_id))
    return someone


@pytest.fixture
def page(buyer, deal):
    return buyer.goto(f"/my/supervision/{deal.flow.order.number}/request/")


def a_file(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def row(page, name: str):
    return page.locator(f"li.file[data-name='{name}']")


def press(page):
    page.click("main form button:has-text('Submit request')")


def submit(page):
    """Submit the request and answer the guide's dialog."""
    press(page)
    page.click("dialog[open] button:has-text('OK')")


def test_files_travel_with_progress_and_are_attached_by_the_form(page, buyer, deal, tmp_path):
    page.evaluate(
        """() => (window.said = []) && new MutationObserver(() => said.push(document.querySelector("li.file .small")?.textContent))
            .observe(document.querySelector("[data-upload-list]"), {subtree: true, childList: true, characterData: true})"""
    )
    files = [a_file(tmp_path, "plan.png", png(4 * MIB)), a_file(tmp_path, "terms.pdf", PDF)]
    page.set_input_files("input[type=file]", files)
    row(page, "plan.png").get_by_text("Uploaded").wait_for()
    row(page, "terms.pdf").get_by_text("Uploaded").wait_for()
    said = page.evaluate("window.said")
    for quarter in ("25 % of 4.0 MB", "50 % of 4.0 MB", "75 % of 4.0 MB", "100 % of 4.0 MB · Checking"):
        assert quarter in said, said
    buyer.look("uploads")
    page.fill("textarea", "As planned.")
    submit(page)
    page.wait_for_url(f"**/{deal.flow.order.number}/")
    assert [one.name for one in deal.now().attachments.all()] == ["plan.png", "terms.pdf"]


def test_a_form_that_is_sent_too_early_waits_for_its_files(page, deal, tmp_path):
    page.fill("textarea", "As planned.")
    page.set_input_files("input[type=file]", a_file(tmp_path, "plan.png", png(3 * MIB)))
    submit(page)
    page.wait_for_url(f"**/{deal.flow.order.number}/")
    assert deal.now().attachments.get().size == 3 * MIB


def test_cancel_then_retry_goes_on_where_it_stopped(page, buyer, deal, tmp_path):
    parts: list[str] = []

    def third_waits(route):
        parts.append(route.request.headers["upload-offset"])
        if len(parts) == 3:
            held.append(route)
        else:
            route.continue_()

    held: list = []
    page.route(
        "**/my/uploads/*/", lambda route: third_waits(route) if route.request.method == "PATCH" else route.continue_()
    )
    page.set_input_files("input[type=file]", a_file(tmp_path, "plan.png", png(5 * MIB)))
    plan = row(page, "plan.png")
    plan.get_by_text("25 % of 5.0 MB").wait_for()
    page.wait_for_function("() => document.querySelector('li.file progress')?.value >= 2 * 1048576")
    buyer.look("upload-under-way")
    plan.get_by_role("button", name="Cancel plan.png").click()
    plan.get_by_text("Canceled.").wait_for()
    buyer.look("upload-canceled")
    assert Upload.objects.get().received == 2 * MIB
    plan.get_by_role("button", name="Retry plan.png").click()
    plan.get_by_text("Uploaded").wait_for()
    assert parts[3:] == [str(n * MIB) for n in (2, 3, 4)]
    buyer.faults.clear()  # the part that was broken off


def test_a_broken_connection_is_tried_again_and_then_left_to_the_person(page, buyer, deal, tmp_path):
    broken = {"left": 1}

    def unreliable(route):
        if route.request.method == "PATCH" and broken["left"]:
            broken["left"] -= 1
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/my/uploads/*/", unreliable)
    page.set_input_files("input[type=file]", a_file(tmp_path, "first.png", png(2 * MIB)))
    row(page, "first.png").get_by_text("Uploaded").wait_for()

    broken["left"] = 5
    page.set_input_files("input[type=file]", a_file(tmp_path, "second.png", png(2 * MIB)))
    second = row(page, "second.png")
    second.get_by_text("The connection broke.").wait_for()
    # While one is not there, the form stays.
    page.fill("textarea", "As planned.")
    press(page)
    assert page.url.endswith("/request/")
    second.get_by_role("button", name="Retry second.png").click()
    second.get_by_text("Uploaded").wait_for()
    submit(page)
    page.wait_for_url(f"**/{deal.flow.order.number}/")
    assert deal.now().attachments.count() == 2
    buyer.faults.clear()  # what was broken on purpose


def test_a_removed_file_is_gone_and_refusals_stand_beside_their_file(page, buyer, deal, tmp_path):
    page.set_input_files(
        "input[type=file]",
        [
            a_file(tmp_path, "plan.pdf", PDF),
            a_file(tmp_path, "run.exe", b"MZ"),
            a_file(tmp_path, "empty.pdf", b""),
            a_file(tmp_path, "page.png", b"<svg onload=alert(1)>"),
        ],
    )
    row(page, "plan.pdf").get_by_text("Uploaded").wait_for()
    row(page, "run.exe").get_by_text("run.exe can't be uploaded: supported formats are").wait_for()
    row(page, "empty.pdf").get_by_text("empty.pdf is empty.").wait_for()
    row(page, "page.png").get_by_text("page.png is no PNG file").wait_for()
    assert row(page, "page.png").get_by_role("button", name="Retry").count() == 0
    buyer.look("uploads-refused")
    for name in ("run.exe", "empty.pdf", "page.png", "plan.pdf"):
        row(page, name).get_by_role("button", name=f"Remove {name}").click()
    page.fill("textarea", "Without files.")
    submit(page)
    page.wait_for_url(f"**/{deal.flow.order.number}/")
    assert not Attachment.objects.exists()
    assert not Upload.objects.exists()
    buyer.faults.clear()  # the refusal's 400


def test_the_list_survives_a_form_that_is_refused(page, buyer, deal, tmp_path):
    page.set_input_files("input[type=file]", a_file(tmp_path, "plan.pdf", PDF))
    row(page, "plan.pdf").get_by_text("Uploaded").wait_for()
    page.fill("textarea", "   ")
    submit(page)
    page.wait_for_selector("[data-error-summary]")
    plan = row(page, "plan.pdf")
    plan.get_by_text("Uploaded").wait_for()
    buyer.look("uploads-kept")
    page.fill("textarea", "Now with words.")
    submit(page)
    page.wait_for_url(f"**/{deal.flow.order.number}/")
    assert deal.now().attachments.get().name == "plan.pdf"


def test_without_javascript_the_form_carries_the_files(browser, live_server, deal, buyer, tmp_path):
    context = browser.new_context(java_script_enabled=False, storage_state=buyer.context.storage_state())
    page = context.new_page()
    page.goto(f"{live_server}/my/supervision/{deal.flow.order.number}/request/")
    page.fill("textarea", "As planned.")
    page.set_input_files("input[type=file]", [a_file(tmp_path, "run.exe", b"MZ")])
    press(page)
    expect(page.get_by_text("run.exe can't be uploaded").first).to_be_visible()
    page.fill("textarea", "As planned.")
    files = [a_file(tmp_path, "plan.png", png(3 * MIB)), a_file(tmp_path, "terms.pdf", PDF)]
    page.set_input_files("input[type=file]", files)
    press(page)
    page.wait_for_url(f"**/{deal.flow.order.number}/")
    assert [one.name for one in deal.now().attachments.all()] == ["plan.png", "terms.pdf"]
    assert not Upload.objects.exists()
    context.close()
