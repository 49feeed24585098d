"""Who a session belongs to."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts.models import User
from koogallery.kernel.compiled import Compiled, Param

_USER = Compiled(lambda: User.objects.filter(pk=Param("pk")))


class Backend(ModelBackend):
    """Django's own, whose read of the user is compiled once."""

    def get_user(self, user_id: Any) -> User | None:
        user = _USER.first(pk=user_id)
        return user if user is not None and self.user_can_authenticate(user) else None
