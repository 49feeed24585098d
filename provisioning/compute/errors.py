"""Refusals of servers and networks, with the codes of API.md."""

from koogallery.kernel.errors import DomainError, InvalidInput, InvalidTransition


class ActRefused(InvalidTransition):
    """The server's state forbids what was asked."""


class QuotaExceeded(InvalidInput):
    """More servers than the account may have."""

    default_message = "You can create no more ECSs. Submit a service ticket to increase the quota."


class CloudUnavailable(DomainError):
    """The provider did not answer; nothing is known to have changed."""

    code = "cloud_unavailable"
    status = 503
    default_message = "The cloud did not answer. Try again in a minute."
