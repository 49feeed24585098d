"""Who did it: a person, a program's key, a timer, the platform itself.

Every verb takes an `Actor` as `by=`; operation records keep what it says.
"""

from dataclasses import dataclass, replace

from django.db import models
from django.utils.translation import gettext_lazy as _


class Party(models.TextChoices):
    """The sides of a deal. `waiting_on` and the roles of operation records are parties."""

    BUYER = "buyer", _("Customer")
    SELLER = "seller", _("Seller")
    OPERATIONS = "operations", _("Operations")
    SYSTEM = "system", _("System")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for which side, from where.

    Attributes:
        party: the side that the act counts for.
        label: how records name the actor ("Mara Okafor", "timer complete_accepted_orders").
        user_id: the person, also behind an API key; None for timers.
        account_id: the buying account acted for (party buyer).
        seller_id: the seller acted for (party seller).
        role: the member's role in the account or seller, as stored with records.
        key_id: the API key used, if any.
        address: the client's network address, for evidence; empty for timers.
    """

    party: Party
    label: str
    user_id: int | None = None
    account_id: int | None = None
    seller_id: int | None = None
    role: str = ""
    key_id: int | None = None
    address: str = ""

    @classmethod
    def timer(cls, name: str) -> "Actor":
        """The platform acting by itself because something became due."""
        return cls(party=Party.SYSTEM, label=f"timer {name}", role="timer")

    @classmethod
    def system(cls, name: str) -> "Actor":
        """The platform acting as a consequence of something else."""
        return cls(party=Party.SYSTEM, label=name, role="system")

    def on_behalf_of(self, name: str) -> "Actor":
        """The platform doing what an account asked it to do by itself."""
        return replace(self, label=f"{self.label}, on behalf of {name}")

    def acting_as(self, party: Party) -> "Actor":
        """The same actor counting for another side (operations accepting for the buyer)."""
        return replace(self, party=party)
