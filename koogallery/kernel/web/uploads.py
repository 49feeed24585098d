"""How files of a form are received: in blocks to the disk, never more of one than may be kept, never half of a form.

A form that breaks off in the middle is refused as a whole; a file beyond the limit is read to its end, so that the
page can say how large it is, and not written; a full disk refuses the file in words.
"""

from typing import Any

import structlog
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

log = structlog.get_logger(__name__)


class UnkeptFile(UploadedFile):
    """A file that came but was not kept: it has a name and a size and can't be read.

    Attributes:
        not_written: whether there was no room; else it was too large.
    """

    def __init__(self, name: str, size: int, *, not_written: bool) -> None:
        super().__init__(None, name, "", size)
        self.not_written = not_written

    def chunks(self, chunk_size: int | None = None) -> Any:
        raise OSError("This file was not kept.")

    def read(self, size: int = -1) -> bytes:
        raise OSError("This file was not kept.")

    def close(self) -> None:
        """Nothing is open."""


class BoundedFileUploadHandler(TemporaryFileUploadHandler):
    """Files of a form on the disk, one at most `UPLOAD_FILE_MAX_BYTES` long."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803
        content_length: int,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        self._body, self._length = input_data, content_length
        super().handle_raw_input(input_data, META, content_length, *args, **kwargs)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        self._too_large = self._not_written = False
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._too_large = self._too_large or start + len(raw_data) > settings.UPLOAD_FILE_MAX_BYTES
        if self._too_large or self._not_written:
            return
        try:
            self.file.write(raw_data)
        except OSError as full:
            log.error("upload_not_written", error=str(full))
            self._not_written = True

    def file_complete(self, file_size: int) -> Any:
        try:
            self.file.seek(0)
        except OSError:
            self._not_written = True
        if self._too_large or self._not_written:
            self._put_away()
            return UnkeptFile(self.file_name or "file", file_size, not_written=self._not_written)
        self.file.size = file_size
        return self.file

    def _put_away(self) -> None:
        try:
            self.file.close()
        except OSError as full:
            # What was still to be written could not be; the temporary file is gone all the same.
            log.warning("upload_not_closed", error=str(full))

    def upload_complete(self) -> Any:
        came = _bytes_read(self._body)
        if came is not None and came < self._length:
            raise MultiPartParserError("The upload was cut off. Nothing was changed.")
        return super().upload_complete()


def _bytes_read(body: Any) -> int | None:
    """How much of the request's body was there; unknown when it is no request."""
    stream = getattr(body, "_stream", None) if isinstance(body, HttpRequest) else None
    return getattr(stream, "_pos", None)
