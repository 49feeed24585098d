"""Addresses of static files."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class RememberingStorage(CompressedManifestStaticFilesStorage):
    """Static files under names with their digest; each address is worked out once, as pages print it many times."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._known: dict[str, str] = {}

    def url(self, name: str | None, force: bool = False) -> str:
        if force or not name:
            return str(super().url(name, force))
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = str(super().url(name))
        return known
