"""Steps of a purchase as a person makes them, for the walks through buying."""

from accounts.models import Membership
from catalog.models import Product
from orders.models import Order
from tests.browser.conftest import Person
from tests.factories import MembershipFactory, UserFactory


def come_in(buyer: Person) -> Membership:
    """Mara, who owns an account, logs in."""
    member = MembershipFactory(user=UserFactory(email="mara@contoso.example"))
    buyer.log_in(member.user)
    return member


def enter_card(buyer: Person, scenario: str) -> None:
    """Payment Methods, on to the processor's hosted page, and back."""
    page = buyer.goto("/billing/payment-methods/")
    page.get_by_role("button", name="Bind a credit card").click()
    page.wait_for_url("**/sandbox/card/**")
    page.check(f"#card-{scenario}")
    page.get_by_role("button", name="Bind this card").click()
    page.wait_for_url("**/payment-methods/")


def configure(buyer: Person, product: Product, months: int = 1) -> None:
    """The product page up to Confirm."""
    page = buyer.goto(f"/products/{product.slug}/")
    page.fill("input[name=duration]", str(months))
    page.wait_for_selector(f"#cost :text('x {months} month(s)')")
    page.click(".buy-col button:has-text('Continue to Submit')")
    page.wait_for_url("**/confirm/")


def submit(buyer: Person, button: str = "Pay Now") -> Order:
    """Terms and Conditions, and the button: the order that was placed."""
    page = buyer.page
    page.check("input[name=agreements]")
    page.click(f".buy-col button:has-text('{button}')")
    page.wait_for_url("**/purchase/orders/**")
    return Order.objects.latest("id")


def come_to_pay(buyer: Person, product: Product, *cards: str) -> Order:
    """Mara with these cards stands on the Pay page of an order for one month."""
    come_in(buyer)
    for scenario in cards:
        enter_card(buyer, scenario)
    configure(buyer, product)
    return submit(buyer)


def pay_now(buyer: Person) -> None:
    """Pay Now on the Pay page."""
    buyer.page.click(".buy-col button:has-text('Pay Now')")


def now(order: Order) -> Order:
    """The order as it stands."""
    return Order.objects.get(pk=order.pk)
