"""Orders in every state, made by the real services at dates relative to now, so that no page is empty."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.actor import Actor
from accounts.models import Account
from billing.services import PaymentRequest, pay_order, refusal_of, unsubscribe
from catalog.choices import BillingMode
from catalog.models import Product, Specification
from catalog.services import save_product
from demo.people import People
from demo.servers import buy_server
from orders import ports
from orders.models import Order, Subscription
from orders.services import Placement, cancel_order, place_order
from pricing.rules import Duration, QuoteRequest
from renewals.choices import RenewalMode
from renewals.services import PlanWish, change_plan
from supervision import services
from supervision.choices import Decision
from supervision.models import ServiceFlow

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

REQUESTS = {
    "standard": "Two tenants with 45 people. Please plan the cut-over for a weekend and keep the old system readable.",
    "saas": "50 seats, single sign-on with our identity provider, import of four sales pipelines from the sheet.",
    "website": "A storefront in English and Malay with 400 articles; our brand book is attached.",
}


def a_file(name: str) -> SimpleUploadedFile:
    """A small PDF."""
    return SimpleUploadedFile(name, PDF, content_type="application/pdf")


class Story:
    """Buys and delivers; `days_ago` are counted from `now`."""

    def __init__(self, people: People, now: datetime) -> None:
        self.people, self.now = people, now

    def at(self, days_ago: float) -> datetime:
        """The moment that many days ago."""
        return self.now - timedelta(days=days_ago)

    def place(self, slug: str, days_ago: float, *, alder: bool = False, specification: int = 0) -> Order:
        """An order that waits for payment."""
        account, buyer = self._side(alder)
        chosen = _specification(slug, specification)
        prices = {price.billing_mode for price in chosen.prices.all()}
        mode = next(one for one in (BillingMode.MONTHLY, BillingMode.YEARLY, BillingMode.ONE_TIME) if one in prices)
        duration = {"monthly": Duration(3, "month"), "yearly": Duration(1, "year")}.get(mode.value)
        placement = Placement(QuoteRequest(chosen.pk, mode, duration), agreements_accepted=True)
        return place_order(placement, account=account, by=buyer, at=self.at(days_ago))

    def buy(self, slug: str, days_ago: float, *, alder: bool = False, specification: int = 0) -> ServiceFlow:
        """A paid order; its flow stands at its first step."""
        order = self.place(slug, days_ago, alder=alder, specification=specification)
        _account, buyer = self._side(alder)
        pay_order(order, PaymentRequest(), by=buyer, at=self.at(days_ago - 0.01))
        return ServiceFlow.objects.select_related("order", "seller").get(order=order)

    def request(self, flow: ServiceFlow, days_ago: float, *, alder: bool = False) -> ServiceFlow:
        """The buyer's request is in."""
        text = REQUESTS.get(flow.flow_type, REQUESTS["standard"])
        files = [a_file("requirements.pdf")]
        by = self._side(alder)[1]
        return services.submit_request(flow, description=text, files=files, by=by, at=self.at(days_ago))

    def confirm(self, flow: ServiceFlow, days_ago: float) -> ServiceFlow:
        return services.confirm_request(flow, by=self.seller(flow), at=self.at(days_ago))

    def deliver(self, flow: ServiceFlow, days_ago: float, note: str) -> ServiceFlow:
        files, product = [a_file("delivery-report.pdf")], flow.order.product
        application = None
        if ports.applications().taken_for(flow.order):
            home = f"https://{product.slug}.example"
            application = ports.ApplicationGiven("administrator", "Change-me-at-first-login", home, f"{home}/admin")
        seller, at = self.seller(flow), self.at(days_ago)
        return services.deliver(flow, note=note, files=files, application=application, by=seller, at=at)

    def reject(self, flow: ServiceFlow, days_ago: float, reason: str, *, alder: bool = False) -> ServiceFlow:
        return services.reject_delivery(flow, reason=reason, by=self._side(alder)[1], at=self.at(days_ago))

    def accept(self, flow: ServiceFlow, days_ago: float, *, alder: bool = False) -> ServiceFlow:
        return services.accept_delivery(flow, by=self._side(alder)[1], at=self.at(days_ago))

    def seller(self, flow: ServiceFlow) -> Actor:
        return self.people.sellers[flow.seller.slug]

    def _side(self, alder: bool) -> tuple[Account, Actor]:
        people = self.people
        return (people.alder, people.buyer2) if alder else (people.contoso, people.buyer)


def _specification(slug: str, position: int) -> Specification:
    rows = Specification.objects.filter(product__slug=slug).order_by("position").prefetch_related("prices")
    return rows[position]


def _by_kind(seller: str, delivery_method: str, supervised: bool = True) -> list[str]:
    rows = Product.objects.filter(
        seller__slug=seller, delivery_method=delivery_method, supervised=supervised, status="published"
    )
    return list(rows.order_by("slug").values_list("slug", flat=True))


def tell(people: People, now: datetime, progress: Callable[[str, int, int], None]) -> None:
    """The whole story: licences, services and SaaS in every state, for two companies and two sellers."""
    story = Story(people, now)
    licences = _by_kind("northwind-digital", "license")
    service = _by_kind("northwind-digital", "professional_service")[0]
    saas = _by_kind("northwind-digital", "saas")[0]
    harbor = _by_kind("harbor-labs", "license") + _by_kind("harbor-labs", "professional_service")
    chapters = [
        lambda: _completed(story, licences[0], 64, alder=False),
        lambda: _completed(story, licences[1 % len(licences)], 33, alder=True),
        lambda: _completed(story, saas, 40, alder=False),
        lambda: _renewing_by_itself(story, licences[0]),
        lambda: _expired(story, licences[0]),
        lambda: _just_accepted(story, licences[0]),
        lambda: story.buy(licences[1 % len(licences)], 1.5),
        lambda: story.deliver(story.buy(licences[0], 4, alder=True), 1, "The key went to your service desk by mail."),
        lambda: _rejected_twice(story, licences[2 % len(licences)]),
        lambda: story.buy(service, 0.8),
        lambda: story.request(story.buy(service, 3), 2),
        lambda: story.confirm(story.request(story.buy(service, 9, alder=True), 8, alder=True), 6.5),
        lambda: _service_delivered(story, service),
        lambda: _request_rejected(story, saas),
        lambda: _under_appeal(story, licences[2 % len(licences)]),
        lambda: _refunded(story, licences[1 % len(licences)]),
        lambda: story.place(licences[0], 2.2),
        lambda: story.place(harbor[0], 5, alder=True),
        lambda: cancel_order(story.place(harbor[0], 12), by=people.buyer, at=story.at(11)),
        lambda: story.buy(harbor[0], 2),
        lambda: _servers(story),
        lambda: _saved(people, [*licences, service, saas, *harbor], now),
    ]
    for number, chapter in enumerate(chapters, 1):
        chapter()
        progress("orders", number, len(chapters))


def _servers(story: Story) -> None:
    """Contoso has used an image by the hour for more than a month, and has it by the month, which can be unsubscribed; one
    server it gave up after a few days. Alder Health has it by the month."""
    image = _by_kind("northwind-digital", "image", supervised=False)[0]
    people = story.people
    buy_server(image, "pay_per_use", "crm-trial", account=people.contoso, by=people.buyer, at=story.at(36))
    buy_server(image, "monthly", "crm", account=people.alder, by=people.buyer2, at=story.at(12))
    buy_server(image, "monthly", "crm-staging", account=people.contoso, by=people.buyer, at=story.at(6))
    gone = buy_server(image, "monthly", "crm-test", account=people.contoso, by=people.buyer, at=story.at(20))
    for app in Subscription.objects.filter(line__order=gone).order_by("id"):
        # The simulated cloud fails now and then.
        if refusal_of(app, at=story.at(16)) is None:
            unsubscribe(app, reason="The test is over.", by=people.buyer, at=story.at(16))


def _completed(story: Story, slug: str, days: float, *, alder: bool) -> None:
    flow = story.buy(slug, days, alder=alder)
    if flow.status == "awaiting_request":
        flow = story.confirm(story.request(flow, days - 1, alder=alder), days - 2)
    flow = story.deliver(flow, days - 4, "Delivered as ordered; the report lists what was done.")
    story.accept(flow, days - 5, alder=alder)


def _renewing_by_itself(story: Story, slug: str) -> None:
    app = (
        Subscription.objects.filter(product__slug=slug, account=story.people.contoso, starts_at__isnull=False)
        .order_by("id")
        .first()
    )
    if app is not None and app.product.auto_renewal_supported:
        change_plan(app, PlanWish(RenewalMode.AUTO, count=6), by=story.people.buyer, at=story.at(50))


def _expired(story: Story, slug: str) -> None:
    """Three months that were accepted 97 days ago: in the grace period, usable, to be renewed."""
    story.accept(story.deliver(story.buy(slug, 99), 98, "The key is in the report."), 97)


def _just_accepted(story: Story, slug: str) -> None:
    flow = story.deliver(story.buy(slug, 2), 0.5, "Licence key and installation notes are in the report.")
    story.accept(flow, 0.05)


def _rejected_twice(story: Story, slug: str) -> None:
    flow = story.deliver(story.buy(slug, 10), 8, "The key is in the report.")
    flow = story.reject(flow, 7, "The key is for an older version than the one that we bought.")
    flow = story.deliver(flow, 5, "A key for the current version.")
    flow = story.reject(flow, 4, "The key works, but for 10 users instead of 25.")
    story.deliver(flow, 2, "A key for 25 users; we are sorry for the detour.")


def _service_delivered(story: Story, slug: str) -> None:
    flow = story.confirm(story.request(story.buy(slug, 14), 13), 12)
    story.deliver(flow, 3, "Cut-over done on Sunday; both tenants run, the old system is read-only.")


def _request_rejected(story: Story, slug: str) -> None:
    flow = story.request(story.buy(slug, 6, alder=True), 5, alder=True)
    reason = "Please name the identity provider and attach the sheet with the pipelines."
    services.reject_request(flow, reason=reason, by=story.seller(flow), at=story.at(4))


def _under_appeal(story: Story, slug: str) -> None:
    flow = story.buy(slug, 9, alder=True)
    reason = "Nothing was delivered for more than five days and our calls were not answered."
    services.file_appeal(flow, reason=reason, by=story.people.buyer2, at=story.at(3))


def _refunded(story: Story, slug: str) -> None:
    flow = story.buy(slug, 30)
    reason = "No licence arrived in a week."
    services.file_appeal(flow, reason=reason, by=story.people.buyer, at=story.at(23))
    decision = "The seller could not show that a licence was delivered."
    services.decide_appeal(flow, decision=Decision.REFUND, reason=decision, by=story.people.operator, at=story.at(21))
    # More than one operator may give back alone.
    services.confirm_ruling(flow, by=story.people.operator2, at=story.at(20.5))
    services.waive_review(flow, by=story.people.buyer, at=story.at(20))
    services.waive_review(flow, by=story.seller(flow), at=story.at(20))


def _saved(people: People, slugs: list[str], now: datetime) -> None:
    for number, product in enumerate(Product.objects.filter(slug__in=slugs).order_by("slug")):
        account, buyer = (people.contoso, people.buyer) if number % 3 else (people.alder, people.buyer2)
        save_product(product, account=account, by=buyer, at=now - timedelta(days=3 + number))
