"""One buyer's deal, and a real address in it for every route of the project."""

import re
from dataclasses import dataclass

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Account
from billing.models import InvoiceHeader, PaymentMethod, SandboxCharge
from catalog.models import Collection
from catalog.services import refresh_listing
from orders.models import AcceptedAgreement, Order, PurchaseDraft, Subscription
from orders.services import open_draft
from pricing.rules import Duration, QuoteRequest
from provisioning.compute.models import Server
from renewals.services.calendar import calendar_token
from supervision import services
from supervision.models import Attachment, NoteTemplate, RequirementTemplate
from supervision.services.uploads import start_upload
from support.models import Requirement, SalesEnquiry
from tests.billing.invoicing import a_returned_invoice, an_invoice
from tests.factories import AgreementFactory, a_statement, a_usage_bill
from tests.provisioning.compute.conftest import Shop, a_region, an_image
from tests.supervision.conftest import Deal, make_deal
from tests.supervision.test_flow import a_file
from tests.support.tickets import a_ticket_with_a_file


@dataclass
class World:
    deal: Deal
    draft: PurchaseDraft

    def address(self, route: str) -> str:
        """A real address of Contoso's deal for a route."""
        order = Order.objects.get()
        values = {
            "slug": order.product.slug,
            "name": "pages",
            "number": order.number,
            "draft_id": self.draft.public_id,
            "key": Attachment.objects.get().public_id,
            "path": "accept",
            "pk": "1",
            "round": "1",
            "payment_id": order.allocations.get().payment.public_id,
            "public_id": Subscription.objects.get().public_id,
            "reference": SandboxCharge.objects.get().reference,
        }
        if any(part in route for part in SERVERS):
            values |= self._server(route)
        if "templates/<" in route and route.startswith("my/"):
            values["key"] = RequirementTemplate.objects.get().public_id
        if "delivery-templates/<" in route:
            values["key"] = values["public_id"] = NoteTemplate.objects.get().public_id
        if "invoice" in route:
            returned = a_returned_invoice(order)
            values |= {"number": returned.number, "code": returned.document().code}
            values["public_id"] = InvoiceHeader.objects.get(account=order.account).public_id
        if "tickets/" in route:
            file = a_ticket_with_a_file(order)
            values |= {"number": file.message.ticket.number, "key": file.public_id}
        if "return/" in route:
            values["number"] = a_returned_invoice(order).number
        if "invoices/<str:number>/cancel/" in route:
            values["number"] = an_invoice(order).number
        if "uploads/" in route:
            by = self.deal.seller if "seller/" in route else self.deal.buyer
            values["public_id"] = start_upload(name="a.pdf", size=9, by=by).public_id
        if "statements/<" in route:
            values["public_id"] = a_statement(order.account).public_id
        if "bills/<" in route:
            values["public_id"] = a_usage_bill(order.account).public_id
        if "webhooks/" in route:
            values["name"] = "sandbox"
        if "payment-methods" in route:
            values["public_id"] = PaymentMethod.objects.get().public_id
        if "sellers/" in route:
            values["slug"] = order.seller.slug
        if "collections/" in route:
            values["slug"] = Collection.objects.create(slug="featured", title="Featured").slug
        if "pictures/" in route:
            file = SimpleUploadedFile("shown.png", b"\x89PNG")
            values["pk"] = str(order.product.pictures.create(picture=file, alt="A chart", width=1, height=1).pk)
        if "documents/" in route:
            values["pk"] = str(
                order.product.documents.create(title="Guide", file=SimpleUploadedFile("a.txt", b"How")).pk
            )
        if "requirements/<" in route:
            values["reference"] = Requirement.objects.create(email="a@b.example").reference
        if "contact/<" in route:
            values["reference"] = SalesEnquiry.objects.create(product=order.product, seller=order.seller).reference
        if route.startswith("calendar/"):
            values["token"] = calendar_token(order.account)
        if "learn/" in route:
            values["slug"] = "appeals"
        if "categories/" in route:
            values["slug"] = order.product.category.slug
        if "seller/" in route:
            values["path"] = "deliver"
        if "agreements" in route:
            kept = AcceptedAgreement.objects.get()
            values["pk"] = str(kept.pk if route.startswith("my/") else kept.agreement_id)
        query = f"?order={order.number}" if route in ("purchase/pay/", "purchase/done/") else ""
        if route in ("billing/renewals/batch/", "billing/renewals/cost/"):
            query = f"?app={values['public_id']}"
        return "/" + query_free(route, values) + query

    def _server(self, route: str) -> dict[str, str]:
        """What stands in addresses of the ECS console: Contoso's own."""
        region = a_region()
        shop = Shop(an_image(), region, self.deal.buyer)
        if "purchase/" in route:
            wanted = shop.request()
            user = shop.account.memberships.get().user
            draft = open_draft(wanted, account=shop.account, user=user, by=shop.buyer)
            return {"draft_id": draft.public_id, "step": "basic"}
        shop.order()
        server = Server.objects.get()
        names = {"networks/": server.deployment.subnet.vpc, "security-groups/": server.deployment.security_group}
        named = next((row for part, row in names.items() if part in route), server)
        return {"public_id": named.public_id, "act": "stop", "kind": "key-pairs"}


SERVERS = ("servers/<", "/provision/", "/quick/", "/custom/", "networks/<", "security-groups/<", "my/cloud/<")


def query_free(route: str, values: dict[str, str]) -> str:
    """The route with its parts filled in."""
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], route)


def a_world() -> World:
    """A deal with everything that an address may name."""
    AgreementFactory()
    deal = make_deal()
    refresh_listing(deal.flow.order.product)
    services.deliver(deal.flow, note="Key.", files=[a_file()], license_key="K-1", by=deal.seller)
    services.save_note_template(None, title="As always", text="Here it is.", product=None, by=deal.seller)
    RequirementTemplate.objects.create(
        product=deal.flow.order.product, name="form.pdf", size=4, content_type="application/pdf", sha256="0" * 64,
        file=SimpleUploadedFile("form.pdf", b"%PDF"),
    )  # fmt: skip
    account = Account.objects.get(pk=deal.buyer.account_id)
    request = QuoteRequest(deal.flow.order.lines.get().specification_id, "monthly", Duration(1, "month"))
    user = account.memberships.get().user
    product = deal.flow.order.product
    product.requirement_template = "1. What?"
    product.save()
    return World(deal, open_draft(request, account=account, user=user, by=deal.buyer))
