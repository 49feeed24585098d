"""`manage.py create_api_key EMAIL [--seller SLUG]`: prints nothing but the new key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Account, Seller, User
from accounts.services import create_api_key


class Command(BaseCommand):
    """Make an API key for a person's account, or for a seller that he works for."""

    help = "Make an API key and print it; only its hash is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--seller", metavar="SLUG", help="the key acts for this seller")

    def handle(self, *args: Any, email: str, seller: str | None = None, **options: Any) -> None:
        user = User.objects.filter(email=email.strip().lower()).first()
        if user is None:
            raise CommandError(f"There is nobody with the e-mail address {email}.")
        if seller is not None:
            selling = Seller.objects.of_user(user).filter(slug=seller).first()
            if selling is None:
                raise CommandError(f"{email} does not work for a seller named {seller}.")
            _key, secret = create_api_key(user, name="command line", seller=selling)
        else:
            account = Account.objects.of_user(user).order_by("memberships__id").first()
            if account is None:
                raise CommandError(f"{email} belongs to no buying account; name a seller with --seller.")
            _key, secret = create_api_key(user, name="command line", account=account)
        self.stdout.write(secret)
