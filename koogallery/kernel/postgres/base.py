"""The database engine of the settings."""

import select
import time

from django.db.backends.postgresql import base

# After so long a silence the server is asked whatever the socket says.
SILENCE_SECONDS = 30.0


class DatabaseWrapper(base.DatabaseWrapper):
    """Each request looks first whether the connection that it was left still lives.

    A server that has gone says so on the socket, and an idle socket is silent otherwise: only when something is there
    to be read is the server asked by a statement, as Django asks it each time. A machine that lost its power and a
    firewall that forgot an idle connection say nothing: so it is asked too when nobody has looked for a while.
    """

    looked_at = 0.0

    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        before, self.looked_at = self.looked_at, time.monotonic()
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        if not poll.poll(0) and self.looked_at - before < SILENCE_SECONDS:
            return True
        return bool(super().is_usable())
