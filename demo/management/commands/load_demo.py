"""`manage.py load_demo [--products N]`: the demo marketplace, and N more products."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.test.utils import override_settings

from accounts.models import User
from catalog.models import Product
from catalog.search.index.documents import are_at_most
from catalog.search.index.follower import INDEXED_IN_MEMORY
from catalog.search.index.upkeep import rebuild
from demo.bulk import load_more
from demo.catalogue import load_agreements, load_collections, load_pictures, load_sellers, load_synonyms
from demo.cloud import load_cloud
from demo.paperwork import write
from demo.people import LOGINS, PASSWORD, load_people
from demo.saas import connect_seller
from demo.story import tell
from koogallery.kernel import clock
from koogallery.kernel.quiet import run_until_quiet

BAR = 30


class Command(BaseCommand):
    """Fill an empty database with the demo; with `--products N` add N products to it."""

    help = "Load the demo catalogue, its people and orders; with --products N, N more published products."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--products", type=int, metavar="N", default=0, help="insert N more products")
        parser.add_argument("--if-empty", action="store_true", help="do nothing when there is any product")

    def handle(self, *args: Any, products: int = 0, if_empty: bool = False, **options: Any) -> None:
        if if_empty and (not settings.DEMO_ALLOWED or Product.objects.exists()):
            if settings.DEMO_ALLOWED:
                connect_seller()
            return
        if not settings.DEMO_ALLOWED:
            raise CommandError("The demo's password is public: it does not load in production settings.")
        if products < 0 or products > 10_000_000:
            raise CommandError("--products takes a number from 0 to 10,000,000.")
        now = clock.now()
        if User.objects.filter(email=LOGINS[0][0]).exists():
            self.stdout.write("The demo is loaded already.")
        else:
            self._load()
        if products:
            count = load_more(products, now, self.progress)
            self.stdout.write(f"There are {count:,} products now.")
            if not are_at_most(INDEXED_IN_MEMORY):
                self.stdout.write(f"Indexed {rebuild():,} products for the search.")

    def _load(self) -> None:
        now = clock.now()
        # All of it or nothing: whoever was interrupted begins again.
        with transaction.atomic():
            load_agreements(now)
            load_synonyms()
            load_sellers(now, self.progress)
            load_cloud(now)
            load_collections()
            load_pictures()
            people = load_people(now)
            connect_seller()
            tell(people, now, self.progress)
        # What happened long ago is told in the product, but sends nobody an e-mail today.
        with override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend"):
            run_until_quiet()
            write(people, now)
            run_until_quiet()
        for email, who in LOGINS:
            self.stdout.write(f"  {email:24} {who}")
        self.stdout.write(f"  all with the password {PASSWORD}")

    def progress(self, what: str, done: int, of: int) -> None:
        """A bar on terminals, one line at the end elsewhere."""
        if sys.stdout.isatty():
            full = round(BAR * done / of)
            end = "\n" if done == of else "\r"
            self.stdout.write(f"  {what:10} [{'#' * full}{'.' * (BAR - full)}] {done:,}/{of:,}", ending=end)
        elif done == of:
            self.stdout.write(f"  {what}: {of:,}")
