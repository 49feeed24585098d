"""Sessions in the database, as Django's own; every page of somebody who is logged in begins with this read."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from koogallery.kernel.compiled import Compiled, Param

_LIVING = Compiled(lambda: Session.objects.filter(session_key=Param("key"), expire_date__gt=Param("now")))


class SessionStore(db.SessionStore):
    """Finds the session by a read that is compiled once."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        # Sessions live by the machine's real time, as cookies do.
        found = _LIVING.first(key=self.session_key, now=timezone.now())
        if found is None:
            self._session_key = None
        return found
