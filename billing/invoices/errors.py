"""Refusals of invoices, with the codes of API.md."""

from koogallery.kernel.errors import InvalidTransition


class NotInvoiceable(InvalidTransition):
    """Nothing of it can be invoiced, or not together; the message says why."""

    code = "not_invoiceable"
    default_message = "This cannot be invoiced."
