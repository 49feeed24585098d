"""What follows the orders: invoices in several states and service tickets, so that no page of them is empty."""

from datetime import datetime, timedelta

from billing.invoices.services import (
    Application,
    HeaderData,
    apply_for_invoice,
    approve_application,
    reject_application,
    save_header,
)
from billing.invoices.services.sources import parts_of, prepaid
from catalog.choices import DeliveryMethod
from demo.people import People
from demo.story import a_file
from support.tickets.services import NewTicket, answer, open_ticket

HEADER = HeaderData(
    "Contoso Retail Pte. Ltd.", "200012345W", "1 Raffles Place, #20-61, Singapore", "finance@contoso.example"
)


def write(people: People, now: datetime) -> None:
    """An issued invoice, one that waits, one that was rejected; a ticket that was answered and one that waits."""
    save_header(people.contoso, HEADER, default=True, by=people.buyer, at=now)
    save_header(
        people.contoso,
        HeaderData("康托索零售有限公司", "91110000600037341L", "北京", country="CN"),
        by=people.buyer,
        at=now,
    )
    # Servers are left to be unsubscribed, which an invoice would stand in the way of.
    paid = prepaid(people.contoso).exclude(product__delivery_method=DeliveryMethod.IMAGE)
    orders = [one.order.number for one in parts_of(paid) if one.cash.left]
    for number, order in enumerate(orders[:3]):
        wanted = Application(HEADER, orders=[order], note="PO 4711" if number == 0 else "")
        invoice = apply_for_invoice(
            wanted, account=people.contoso, by=people.buyer, at=now - timedelta(days=2 - number / 2)
        )
        if number == 0:
            approve_application(invoice, by=people.operator, at=now - timedelta(days=1))
        elif number == 1:
            reason = "The company name differs from the one in our contract. Apply with that one."
            reject_application(invoice, reason=reason, by=people.operator, at=now - timedelta(days=1))
    asked = NewTicket(
        "seller",
        "Our questions on the delivery are not answered",
        "We have written to the service address three times since Monday.",
        order=orders[0] if orders else "",
        files=[a_file("mails.pdf")],
    )
    ticket = open_ticket(asked, account=people.contoso, by=people.buyer, at=now - timedelta(hours=30))
    text = "We have reached the seller; you hear from him today. Reply here if not."
    answer(ticket, text=text, by=people.operator, at=now - timedelta(hours=20))
    credit = NewTicket("credit", "Credit payment for our department", "We buy for about 5,000 USD a month.")
    open_ticket(credit, account=people.contoso, by=people.buyer, at=now - timedelta(hours=3))
