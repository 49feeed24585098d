"""A real Chromium. Where there is none a browser test fails in CI and is skipped with a plain reason elsewhere."""

import functools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from accounts.models import User
from catalog.models import Product
from catalog.services import refresh_listing
from tests.factories import AgreementFactory, ProductFactory, a_specification, logged_in

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "correct-horse-battery"
# Two browsers, their servers and databases share the cores of a small machine.
expect.set_options(timeout=15_000)
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1440, "height": 900}}
THEMES = {"phone": ("light", "dark"), "desktop": ("light", "dark")}
CI_THEMES = {"phone": ("dark",), "desktop": ("light",)}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What of these depends on the theme.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
# `preload`: style sheets that import others, as the admin's forms do, axe would copy into the page against its policy.
# `resultTypes`: what was found right is not described, which takes axe as long as finding it.
AXE = {"preload": False, "resultTypes": ["violations"]}
FIND = "options => axe.run(options).then(found => found.violations.map(one => [one.id, one.nodes[0].html]))"


def _then_loaded(act: Callable[..., None]) -> Callable[..., None]:
    """`act` of a page or a locator, which is over when the page that it led to has been loaded.

    Playwright returns as soon as the new page begins to arrive. What is read at once, without `expect`, was then
    read from half a page, where the machine was busy.
    """

    @functools.wraps(act)
    def acted(self: Page | Locator, *args: object, **options: object) -> None:
        act(self, *args, **options)
        page = self if isinstance(self, Page) else self.page
        if not page.is_closed():
            page.wait_for_load_state()

    return acted


@pytest.fixture(scope="session", autouse=True)
def _clicks_wait() -> Iterator[None]:
    """What is clicked or pressed waits for the page that follows, in every test of the browser."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in (Page, Locator):
            for name in ("click", "press"):
                patch.setattr(kind, name, _then_loaded(getattr(kind, name)))
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    # Playwright runs an event loop in this thread; Django's ORM is used beside it, never inside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        reason = "There is no Chromium: apt-get install chromium."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()


class Person:
    """Somebody at a browser of his own; every console error and CSP violation is a fault of the test."""

    def __init__(self, context: BrowserContext, base: str, name: str) -> None:
        self.context, self.base, self.name = context, base, name
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def _listen(self, message: object) -> None:
        text, kind = getattr(message, "text", ""), getattr(message, "type", "")
        # A refused form answers 422 on purpose, which Chromium notes as a failed resource.
        if kind == "error" and "422" not in text:
            self.faults.append(text)

    def goto(self, path: str) -> Page:
        self.page.goto(f"{self.base}{path}")
        return self.page

    def log_in(self, user: User) -> None:
        """Come logged in a moment ago, without the form."""
        session = logged_in(user).cookies[django_settings.SESSION_COOKIE_NAME]
        self.context.add_cookies([{"name": session.key, "value": session.value, "url": self.base}])

    def log_in_by_form(self, email: str) -> None:
        """Log in as a person does, with `PASSWORD`."""
        page = self.goto("/account/login/")
        page.fill("input[name=login]", email)
        page.fill("input[name=password]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url(lambda url: "/login/" not in url)

    def look(self, title: str) -> None:
        """A picture at both widths, light and dark, and axe without a finding in each.

        In CI, where nobody looks at pictures, each width and each theme is looked at once.
        """
        folder = Path(django_settings.BASE_DIR) / "var" / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        self.page.evaluate(Axe().axe_script)
        for size, themes in (CI_THEMES if os.environ.get("CI") else THEMES).items():
            self.page.set_viewport_size(SIZES[size])
            rules = RULES
            for theme in themes:
                self.page.evaluate("theme => document.documentElement.dataset.bsTheme = theme", theme)
                self.page.wait_for_timeout(50)
                if not os.environ.get("CI"):
                    self.page.screenshot(path=folder / f"{title}-{size}-{theme}.png", full_page=True)
                found = self.page.evaluate(FIND, {**AXE, "runOnly": rules})
                assert not found, (title, size, theme, found)
                rules = COLOUR_RULES
            overflow = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{title} is {overflow} px too wide on a {size}"
        self.page.set_viewport_size(SIZES["desktop"])


@pytest.fixture
def person(browser: Browser, live_server: object, templates: None) -> Iterator[Callable[[str], Person]]:
    """`person("buyer")`: a new browser context."""
    people: list[Person] = []

    def come(name: str) -> Person:
        context = browser.new_context(viewport=SIZES["desktop"], reduced_motion="reduce")
        context.set_default_timeout(20_000)
        people.append(Person(context, str(live_server), name))
        return people[-1]

    yield come
    for one in people:
        one.context.close()
    faults = {one.name: one.faults for one in people if one.faults}
    assert not faults, faults


@pytest.fixture
def templates(transactional_db: None) -> None:
    """The flush of other tests took the first flow templates, which a migration made, with it."""
    from supervision.models import FlowTemplate

    for flow_type, after in (("license", 2), ("standard", 2), ("saas", 3), ("website", 2), ("5g_naas", 2)):
        FlowTemplate.objects.get_or_create(
            flow_type=flow_type, version=1, defaults={"appeal_on_acceptance_after": after}
        )


def on_sale(prices: dict[str, str] | None = None, **traits: object) -> Product:
    """A published product with terms and conditions; 5.00 USD a month unless `prices` says otherwise."""
    AgreementFactory()
    specification = a_specification(prices=prices, product=ProductFactory(**traits))
    return refresh_listing(specification.product)
