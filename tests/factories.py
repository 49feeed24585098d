"""Factories of everything that tests need: believable, minimal, on the real database."""

import time
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import factory
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client
from factory.django import DjangoModelFactory

from accounts.actor import Actor, Party
from accounts.models import Account, Membership, Seller, SellerMember, User
from accounts.permissions import Role
from accounts.web import buyer_actor, operator_actor, seller_actor
from billing.models import Statement, UsageBill
from catalog.choices import AttributeKind, BillingMode, DeliveryMethod, FlowType, OperatingSystem, ProductStatus
from catalog.models import Agreement, Attribute, Category, Price, Product, Specification
from koogallery.kernel import clock
from pricing.coupons import CouponTerms, grant_coupon
from pricing.models import Coupon

PASSWORD = "correct-horse-battery"


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@contoso.example")
    full_name = factory.Sequence(lambda n: f"Person {n}")

    @factory.post_generation
    def password(self, create: bool, given: str | None, **_kwargs: Any) -> None:
        # Hashing by Argon2 is slow on purpose: only people who log in by password need one.
        if given:
            self.set_password(given)
            self.save()


class AccountFactory(DjangoModelFactory):
    class Meta:
        model = Account

    name = factory.Sequence(lambda n: f"Contoso {n}")


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    account = factory.SubFactory(AccountFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.OWNER


class SellerFactory(DjangoModelFactory):
    class Meta:
        model = Seller

    slug = factory.Sequence(lambda n: f"seller-{n}")
    name = factory.Sequence(lambda n: f"Seller {n} Ltd.")
    email = factory.LazyAttribute(lambda seller: f"service@{seller.slug}.example")
    phone = "+65 5550 0100"
    support_hours = "Monday to Friday, 09:00-18:00 (GMT+08:00)"


class SellerMemberFactory(DjangoModelFactory):
    class Meta:
        model = SellerMember

    seller = factory.SubFactory(SellerFactory)
    user = factory.SubFactory(UserFactory)


class CategoryFactory(DjangoModelFactory):
    class Meta:
        model = Category

    slug = factory.Sequence(lambda n: f"category-{n}")
    name = factory.Sequence(lambda n: f"Category {n}")


class ProductFactory(DjangoModelFactory):
    """A published licence; traits make the other delivery methods. It has no specification yet: see `a_product`."""

    class Meta:
        model = Product

    seller = factory.SubFactory(SellerFactory)
    category = factory.SubFactory(CategoryFactory)
    slug = factory.Sequence(lambda n: f"product-{n}")
    name = factory.Sequence(lambda n: f"Product {n}")
    tagline = "It does one thing well."
    description = "A product of the tests."
    delivery_method = DeliveryMethod.LICENSE
    supervised = True
    flow_type = FlowType.LICENSE
    operating_systems = [OperatingSystem.LINUX]
    status = ProductStatus.PUBLISHED
    published_at = factory.LazyFunction(clock.now)
    auto_renewal_supported = True
    support_email = "support@seller.example"

    class Params:
        service = factory.Trait(delivery_method=DeliveryMethod.PROFESSIONAL_SERVICE, flow_type=FlowType.STANDARD)
        saas_supervised = factory.Trait(
            delivery_method=DeliveryMethod.SAAS, flow_type=FlowType.SAAS, auto_renewal_supported=False
        )
        saas = factory.Trait(
            delivery_method=DeliveryMethod.SAAS, supervised=False, flow_type="", auto_renewal_supported=False
        )
        image = factory.Trait(
            delivery_method=DeliveryMethod.IMAGE, supervised=False, flow_type="", auto_renewal_supported=False
        )


class SpecificationFactory(DjangoModelFactory):
    class Meta:
        model = Specification

    product = factory.SubFactory(ProductFactory)
    code = factory.Sequence(lambda n: f"spec-{n}")
    name = "Standard edition"


class AttributeFactory(DjangoModelFactory):
    class Meta:
        model = Attribute

    specification = factory.SubFactory(SpecificationFactory)
    code = "users"
    name = "Number of Users"
    kind = AttributeKind.QUANTITY
    minimum = 5
    maximum = 100
    step = 5
    default = "10"
    unit = "user"


class PriceFactory(DjangoModelFactory):
    class Meta:
        model = Price

    specification = factory.SubFactory(SpecificationFactory)
    billing_mode = BillingMode.MONTHLY
    amount = Decimal("5.00")


class AgreementFactory(DjangoModelFactory):
    class Meta:
        model = Agreement

    code = factory.Sequence(lambda n: f"terms-{n}")
    title = "KooGallery Terms and Conditions"
    text = "You pay, we keep the money until you accept."


def a_specification(
    *, prices: dict[str, str] | None = None, product: Product | None = None, **traits: Any
) -> Specification:
    """A specification on sale: of `product`, or of a new one with `traits`; monthly for 5.00 USD by default."""
    specification = SpecificationFactory(product=product or ProductFactory(**traits))
    for mode, amount in (prices or {"monthly": "5.00"}).items():
        PriceFactory(specification=specification, billing_mode=mode, amount=Decimal(amount))
    return specification


def a_coupon(account: Account | None = None, **terms: Any) -> Coupon:
    """A cash coupon of 3.00 USD that is valid for a month."""
    at = clock.now()
    values = {"kind": "cash", "name": "Welcome", "value": Decimal("3.00"), "valid_until": at + timedelta(days=30)}
    return grant_coupon(CouponTerms(**values | terms), account=account, by=an_operator())


def a_statement(account: Account, amount: str = "5.00", **fields: Any) -> Statement:
    """An open statement of last month; its purchases are not made."""
    at = clock.now()
    values = {"currency": "USD", "month": date(2026, 10, 1), "issued_at": at, "due_at": at, "freezes_at": at}
    return Statement.objects.create(account=account, amount=Decimal(amount), **values | fields)


def a_usage_bill(account: Account, amount: str = "5.00", **fields: Any) -> UsageBill:
    """A usage bill of last month that is in arrears; its use was not measured."""
    at = clock.now()
    values = {"until": at, "closes_month": True, "last_record": 0, "issued_at": at, "arrears_at": at}
    values |= {"freezes_at": at + timedelta(days=15), "releases_at": at + timedelta(days=30), "status": "arrears"}
    return UsageBill.objects.create(account=account, amount=Decimal(amount), **values | fields)


def a_buyer(role: str = Role.OWNER, account: Account | None = None) -> Actor:
    """A new member of a (new) buying account, as an actor."""
    membership = MembershipFactory(role=role, account=account or AccountFactory())
    return buyer_actor(membership.user, membership)


def a_seller(seller: Seller | None = None) -> Actor:
    """A new member of a (new) seller, as an actor."""
    member = SellerMemberFactory(seller=seller or SellerFactory())
    return seller_actor(member.user, member.seller)


def logged_in(user: User, *, ago: timedelta = timedelta(0)) -> Client:
    """A browser whose person gave his password so long ago; `force_login` alone leaves no trace of when."""
    client = Client()
    client.force_login(user)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time() - ago.total_seconds()}]
    session[f"{AUTHENTICATION_METHODS_SESSION_KEY}_user"] = str(user.pk)
    session.save()
    return client


def an_operator() -> Actor:
    """A new member of the operations staff, as an actor."""
    actor = operator_actor(UserFactory(is_staff=True, is_superuser=True))
    assert actor.party is Party.OPERATIONS
    return actor
