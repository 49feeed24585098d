"""The demo's people (API.md): all with the same public password, so it never loads in production settings."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.actor import Actor
from accounts.models import Account, Membership, Reseller, Seller, SellerMember, User
from accounts.permissions import Role
from accounts.services import open_account
from accounts.web import buyer_actor, operator_actor, seller_actor
from billing.gateways.sandbox import SandboxGateway
from billing.services import CreditTerms, bind_card, grant_credit
from koogallery.kernel.money import Money
from pricing.choices import CouponKind, DiscountKind
from pricing.coupons import CouponTerms, grant_coupon
from pricing.models import Discount

PASSWORD = "koogallery-demo"
# How long the demo's coupons are valid.
VALID = timedelta(days=365)

LOGINS = (
    ("buyer@demo.example", "owner of Contoso Retail"),
    ("buyer2@demo.example", "owner of Alder Health, on monthly settlement"),
    ("buyer3@demo.example", "owner of Birch Foods, who buys through a reseller"),
    ("viewer@demo.example", "viewer in Contoso Retail"),
    ("seller@demo.example", "seller Northwind Digital"),
    ("seller2@demo.example", "seller Harbor Labs"),
    ("operator@demo.example", "operations staff"),
    ("operator2@demo.example", "another one, for what two have to agree on"),
)


@dataclass(frozen=True, slots=True)
class People:
    """Who the story of the demo is about."""

    contoso: Account
    alder: Account
    buyer: Actor
    buyer2: Actor
    sellers: dict[str, Actor]
    operator: Actor
    operator2: Actor


def _user(email: str, name: str, at: datetime, **fields: bool) -> User:
    user = User(email=email, full_name=name, date_joined=at, **fields)
    user.set_password(PASSWORD)
    user.save()
    return user


def load_people(at: datetime) -> People:
    """Buyers with bound sandbox cards, sellers' members, two operators."""
    mara = _user("buyer@demo.example", "Mara Okafor", at)
    tomas = _user("buyer2@demo.example", "Tomás Reyes", at)
    viewer = _user("viewer@demo.example", "Ines Albrecht", at)
    contoso, alder = open_account(mara, "Contoso Retail", at=at), open_account(tomas, "Alder Health", at=at)
    Membership.objects.create(account=contoso, user=viewer, role=Role.VIEWER, created_at=at)
    sellers = {}
    for email, name, slug in (
        ("seller@demo.example", "Ravi Chandra", "northwind-digital"),
        ("seller2@demo.example", "Hana Sato", "harbor-labs"),
    ):
        seller = Seller.objects.get(slug=slug)
        user = _user(email, name, at)
        SellerMember.objects.create(seller=seller, user=user, created_at=at)
        sellers[slug] = seller_actor(user, seller)
    operator = _user("operator@demo.example", "Olu Bergström", at, is_staff=True, is_superuser=True)
    second = _user("operator2@demo.example", "Jun Watanabe", at, is_staff=True, is_superuser=True)
    people = People(
        contoso=contoso,
        alder=alder,
        buyer=buyer_actor(mara, Membership.objects.get(user=mara)),
        buyer2=buyer_actor(tomas, Membership.objects.get(user=tomas)),
        sellers=sellers,
        operator=operator_actor(operator),
        operator2=operator_actor(second),
    )
    for account, actor in ((contoso, people.buyer), (alder, people.buyer2)):
        bind_card(account, SandboxGateway().enter_card("success"), by=actor, at=at)
    _money(people, at)
    return people


def _money(people: People, at: datetime) -> None:
    """Coupons for the buyers, monthly settlement for Alder Health, and a reseller with a customer."""
    for account in (people.contoso, people.alder):
        coupon = CouponTerms(
            CouponKind.CASH, "Welcome to KooGallery", Decimal("25.00"), at + VALID, at, minimum_spend=Decimal("50.00")
        )
        grant_coupon(coupon, account=account, by=people.operator, at=at)
    terms = CreditTerms(Money(Decimal("5000.00"), "USD"), "Asked for by telephone on the first day")
    grant_credit(people.alder, terms, by=people.operator, at=at)
    reseller = Reseller.objects.create(name="Cloudhaus Partners")
    Discount.objects.create(kind=DiscountKind.PARTNER, name="Cloudhaus", percent=10, reseller=reseller, valid_from=at)
    birch = open_account(_user("buyer3@demo.example", "Nadia Kowalski", at), "Birch Foods", at=at)
    birch.reseller = reseller
    birch.save(update_fields=["reseller"])
