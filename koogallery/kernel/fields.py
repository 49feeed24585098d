"""The field that every state machine's status is kept in."""

from typing import Any

from django.db.models import Model
from django.db.models.signals import class_prepared
from django_fsm import FSMField


class StatusField(FSMField):
    """An `FSMField` that costs nothing in migrations.

    django-fsm's field waits for each class that is prepared, to collect its transitions. The models that migrations
    make of each state have none, but there are tens of thousands of them, and each would ask every field made before.
    """

    def contribute_to_class(self, cls: type[Model], name: str, private_only: bool = False, **kwargs: Any) -> None:
        """Become a field of that model."""
        super().contribute_to_class(cls, name, private_only, **kwargs)
        if cls.__module__ == "__fake__":
            class_prepared.disconnect(self._collect_transitions)
