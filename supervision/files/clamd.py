"""ClamAV's daemon over its own protocol (INSTREAM), by TCP or a unix socket; every wait has an end."""

import socket
import struct
import time
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings

from supervision.files.reading import Seekable
from supervision.files.scanning import ScannerUnavailable, TooLargeToScan

CHUNK = 1 << 16
LONGEST_ANSWER = 4_096


class ClamdScanner:
    """`VIRUS_SCANNER=supervision.files.clamd.ClamdScanner`, with `CLAMD_ADDRESS`."""

    def scan(self, file: Seekable) -> str:
        """Send the file from its beginning; the signature's name, or nothing.

        Raises:
            ScannerUnavailable: no connection, no verdict in time, or an error.
            TooLargeToScan: beyond clamd's `StreamMaxLength`.
        """
        end = time.monotonic() + settings.VIRUS_SCAN_TIMEOUT.total_seconds()
        try:
            with _connected(end) as connection:
                cut_off = not _send(connection, file, end)
                answer = _answer(connection, end)
        except (OSError, ValueError) as broken:
            raise ScannerUnavailable(f"{type(broken).__name__}: {broken}") from broken
        return _verdict(answer, cut_off=cut_off)


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("the scan took too long")
    return left


def _connected(end: float) -> socket.socket:
    address = urlsplit(settings.CLAMD_ADDRESS)
    if address.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_left(end))
            connection.connect(address.path)
        except BaseException:
            connection.close()
            raise
        return connection
    if address.scheme != "tcp" or not address.hostname:
        raise ValueError("CLAMD_ADDRESS is tcp://host:port or unix:///path")
    return socket.create_connection((address.hostname, address.port or 3310), timeout=_left(end))


def _send(connection: socket.socket, file: Seekable, end: float) -> bool:
    """False when clamd closed the stream: it does so beyond its limit and says why first."""
    file.seek(0)
    try:
        connection.sendall(b"zINSTREAM\0")
        while chunk := file.read(CHUNK):
            connection.settimeout(_left(end))
            connection.sendall(struct.pack("!L", len(chunk)) + chunk)
        connection.sendall(struct.pack("!L", 0))
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def _answer(connection: socket.socket, end: float) -> str:
    answer = b""
    # What clamd said before it closed may be read even after our sending failed.
    with suppress(ConnectionResetError):
        while b"\0" not in answer and len(answer) < LONGEST_ANSWER:
            connection.settimeout(_left(end))
            more = connection.recv(LONGEST_ANSWER)
            if not more:
                break
            answer += more
    return answer.partition(b"\0")[0].decode(errors="replace").strip()


def _verdict(answer: str, *, cut_off: bool) -> str:
    if "size limit exceeded" in answer:
        raise TooLargeToScan
    said = answer.removeprefix("stream: ")
    if said.endswith(" FOUND"):
        return said.removesuffix(" FOUND")
    if said == "OK" and not cut_off:
        return ""
    raise ScannerUnavailable(answer or "it closed the connection")
