"""The database engine of the settings."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Each request looks first whether the connection that it was left still lives.

    A server that has gone says so on the socket, and an idle socket is silent otherwise: only when something is there
    to be read is the server asked by a statement, as Django asks it each time.
    """

    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        if not poll.poll(0):
            return True
        return bool(super().is_usable())
