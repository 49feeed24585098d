"""The simulated cloud behind a line that fails as a script says: calls that never arrive, answers that are lost, processes
that die before or after a call."""

from collections.abc import Iterator
from typing import Any

from provisioning.compute.providers.base import ProviderUnavailable
from provisioning.compute.providers.simulated import SimulatedCloud

OK, NOT_SENT, LOST, DIES_BEFORE, DIES_AFTER = "ok", "not sent", "lost", "dies before", "dies after"
FATES = (OK, OK, OK, NOT_SENT, LOST, DIES_BEFORE, DIES_AFTER)

script: Iterator[str] = iter(())


class ProcessDied(BaseException):
    """kill -9."""


class ChaosCloud(SimulatedCloud):
    """Each call meets the next fate of the script; when that is at its end all goes well."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or name == "region":
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            fate = next(script, OK)
            if fate == NOT_SENT:
                raise ProviderUnavailable("no route to the cloud")
            if fate == DIES_BEFORE:
                raise ProcessDied
            answer = found(*args, **kwargs)
            if fate == LOST:
                raise ProviderUnavailable("time-out")
            if fate == DIES_AFTER:
                raise ProcessDied
            return answer

        return call
