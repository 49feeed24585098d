"""Reading parts of a file of any size in bounded memory and a bounded number of steps."""

import os
from typing import Protocol

BLOCK = 1 << 17
# For single places far from each other.
SMALL_BLOCK = 1 << 12
# A file of 50 MB in blocks of 255 bytes, as GIF has them, twice; more only a file made to keep us busy needs.
MOST_STEPS = 400_000


class Seekable(Protocol):
    """What the checks ask of a file."""

    def read(self, size: int = -1, /) -> bytes: ...
    def seek(self, offset: int, whence: int = 0, /) -> int: ...


class Malformed(Exception):
    """The content is not what a file of this kind looks like; the message says it in a few words."""


class Window:
    """A file's bytes by position.

    Raises:
        Malformed: from every method, when the file ends before what is asked for, or after too many steps.
    """

    def __init__(self, file: Seekable) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        self._start, self._block = 0, b""
        self._steps = 0

    def at(self, offset: int, length: int, *, block: int = BLOCK) -> bytes:
        """Exactly `length` bytes (at most a block) from `offset`."""
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise Malformed("it has too many parts")
        if offset < 0 or length > BLOCK or offset + length > self.size:
            raise Malformed("it ends too early")
        inner = offset - self._start
        if inner < 0 or inner + length > len(self._block):
            self._file.seek(offset)
            self._start, self._block, inner = offset, self._file.read(max(block, length)), 0
        found = self._block[inner : inner + length]
        if len(found) < length:
            raise Malformed("it ends too early")
        return found

    def near(self, offset: int, length: int) -> bytes:
        """The same where the next place asked for is a far one."""
        return self.at(offset, length, block=SMALL_BLOCK)

    def head(self, length: int = 1024) -> bytes:
        """The first bytes, fewer in a smaller file."""
        return self.at(0, min(length, self.size))

    def tail(self, length: int) -> bytes:
        """The last bytes, fewer in a smaller file."""
        length = min(length, self.size)
        return self.at(self.size - length, length)

    def number(self, offset: int, length: int, order: str = "little") -> int:
        """An unsigned number."""
        return int.from_bytes(self.at(offset, length), order)  # type: ignore[arg-type]
