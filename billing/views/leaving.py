"""Sending a person on to the card processor's or the bank's page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render


def leave_for(request: HttpRequest, address: str, heading: str) -> HttpResponse:
    """On to `address`; where it is on another host, by a page that goes there by itself.

    A form of ours may only lead to us (`form-action 'self'`), and browsers hold every redirect that answers the form
    to that: ours, the processor's, and the bank's behind it, whose hosts nobody can list. A page's own way on is free.
    """
    if address.startswith("/"):
        return redirect(address)
    return render(request, "billing/leaving.html", {"address": address, "heading": heading})
