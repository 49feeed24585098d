"""The one way to an address that somebody else chose: sellers' endpoints, webhooks.

    answer = fetch("POST", url, headers={...}, body=b"...")
    answer.status, answer.headers, answer.body

Only https to public addresses. The name is resolved once, every address that it has must be public, and the connection
goes to the one that was checked: a name that changes its mind between check and use changes nothing. No redirect is
followed, no encoded body is taken, and one clock bounds everything from the name to the last byte.
`OUTGOING_LOOPBACK_ALLOWED` (development, tests, the demo) also opens this machine, there without TLS too.
"""

import functools
import http.client
import ipaddress
import socket
import ssl
import time
import unicodedata
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from io import BufferedReader, RawIOBase
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

Resolver = Callable[[str, int], list[str]]

LONGEST_URL = 2048
# The part of version 6 that anybody has public addresses in: what wraps one of version 4 (::127.0.0.1, 64:ff9b::7f00:1) or
# belongs to a site lies outside.
_PUBLIC_6 = ipaddress.ip_network("2000::/3")
# Anycast to whoever relays for us, withdrawn (RFC 7526).
_RELAYS = ipaddress.ip_network("192.88.99.0/24")
_resolving = ThreadPoolExecutor(max_workers=16, thread_name_prefix="resolver")


class OutgoingFailed(Exception):
    """No answer; the message says why in words for whoever owns the other end."""


class OutgoingRefused(OutgoingFailed):
    """We do not go there at all: not https, or not a public address."""


class OutgoingTimedOut(OutgoingFailed):
    """It took too long, from looking up the name to the last byte; what became of it there is unknown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status; names of headers in lower case, the last of each name.

    Attributes:
        seconds: how long it took.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    seconds: float = 0.0


def url_refusal(url: str) -> str | None:
    """Why we would not go to `url`, as far as the text alone tells, or None."""
    try:
        _parts(url)
    except OutgoingRefused as refused:
        return str(refused)
    return None


def fetch(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    seconds: float,
    most_bytes: int,
    resolve: Resolver | None = None,
) -> Answer:
    """Make one request.

    Args:
        seconds: for everything together.
        most_bytes: of the body of the answer.
        resolve: addresses of a name and a port; the system's own unless given.

    Raises:
        OutgoingRefused, OutgoingTimedOut, OutgoingFailed: see there.
    """
    began = time.monotonic()
    ends = began + seconds
    parts = _parts(url)
    host, port = cast(str, parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    try:
        address = _checked_address(host, port, parts.scheme, ends, resolve or system_resolve)
        with _Connection(host, port, address, tls=parts.scheme == "https", ends=ends) as connection:
            return connection.request(method, parts, headers, body, most_bytes, began)
    except TimeoutError:
        raise OutgoingTimedOut(f"There was no whole answer within {seconds:g} seconds.") from None
    except ssl.SSLCertVerificationError as error:
        raise OutgoingFailed(f"The TLS certificate is not valid: {error.verify_message}.") from None
    except ssl.SSLError:
        raise OutgoingFailed("TLS failed: the endpoint needs TLS 1.2 or newer.") from None
    except (OSError, http.client.HTTPException) as error:
        raise OutgoingFailed(f"The connection failed ({type(error).__name__}).") from None


def system_resolve(host: str, port: int) -> list[str]:
    """The addresses that the system knows for a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _parts(url: str) -> SplitResult:
    loopback = settings.OUTGOING_LOOPBACK_ALLOWED
    if len(url) > LONGEST_URL or any(not one.isprintable() or one.isspace() or one == "\\" for one in url):
        raise OutgoingRefused("The address is too long, or has blanks or backslashes.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OutgoingRefused("That is no address.") from None
    if parts.scheme != "https" and not (loopback and parts.scheme == "http"):
        raise OutgoingRefused("The address must begin with https://.")
    if not parts.hostname or port == 0 or "@" in parts.netloc or parts.fragment:
        raise OutgoingRefused("The address needs a host, and has no username and no #.")
    # As resolvers read it: digits of other scripts and other full stops become ours, one at the end means nothing.
    name = unicodedata.normalize("NFKC", parts.hostname).replace("\u3002", ".").rstrip(".")
    number = _number(name)
    if number is not None and not (loopback and number.is_loopback):
        raise OutgoingRefused("The address needs a domain name instead of numbers.")
    if number is None and not loopback and ("." not in name or name.endswith(".localhost")):
        raise OutgoingRefused("The address needs a public domain name.")
    if number is None and parts.scheme == "http" and parts.hostname != "localhost":
        raise OutgoingRefused("The address must begin with https://.")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise OutgoingRefused("That is no domain name.") from None
    return parts


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host's text is, also in the odd forms that resolvers take for numbers (127.1, 0x7f000001)."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host)) if host[-1:].isalnum() else None
    except OSError:
        return None


def _checked_address(host: str, port: int, scheme: str, ends: float, resolve: Resolver) -> str:
    number = _number(host)
    if number is not None:
        return str(number)
    try:
        found = _resolving.submit(resolve, host, port).result(max(0.0, ends - time.monotonic()))
    except FutureTimeout:
        raise TimeoutError from None
    except (OSError, UnicodeError):
        raise OutgoingFailed(f"The name {host} is not known.") from None
    if not found:
        raise OutgoingFailed(f"The name {host} is not known.")
    for one in found:
        if not _may_go_to(one, scheme):
            raise OutgoingRefused(f"The name {host} leads to an address that is not public.")
    return found[0]


def _may_go_to(text: str, scheme: str) -> bool:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_loopback:
        return bool(settings.OUTGOING_LOOPBACK_ALLOWED)
    if scheme != "https" or not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address in _PUBLIC_6 and not (address.sixtofour or address.teredo)
    return address not in _RELAYS


@functools.lru_cache(maxsize=4)
def _tls(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Bounded(RawIOBase):
    """Reads a socket; each read may take what is left of the time for all of them."""

    def __init__(self, sock: socket.socket, ends: float) -> None:
        self._sock, self._ends = sock, ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(_left(self._ends))
        return self._sock.recv_into(buffer)


class _Socket:
    """As much of a socket as `http.client` reads an answer from."""

    def __init__(self, sock: socket.socket, ends: float) -> None:
        self._reader = BufferedReader(_Bounded(sock, ends))

    def makefile(self, _mode: str) -> Any:
        return self._reader


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Connection:
    """One connection to one checked address for one request."""

    def __init__(self, host: str, port: int, address: str, *, tls: bool, ends: float) -> None:
        self._host, self._port, self._ends = host, port, ends
        self._sock = socket.create_connection((address, port), timeout=_left(ends))
        if tls:
            try:
                self._sock.settimeout(_left(ends))
                context = _tls(settings.OUTGOING_CA_FILE)
                self._sock = context.wrap_socket(self._sock, server_hostname=host)
            except BaseException:
                self._sock.close()
                raise

    def __enter__(self) -> "_Connection":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._sock.close()

    def request(
        self,
        method: str,
        parts: SplitResult,
        headers: Mapping[str, str],
        body: bytes | None,
        most_bytes: int,
        began: float,
    ) -> Answer:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = parts.netloc.encode("idna").decode() if not parts.netloc.isascii() else parts.netloc
        lines = {"Host": host, "Accept-Encoding": "identity", "Connection": "close", "User-Agent": "KooGallery/1"}
        lines |= headers
        if body is not None:
            lines["Content-Length"] = str(len(body))
        text = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        assert text.count("\n") == len(lines) + 1, "a header with a line end in it"
        self._sock.settimeout(_left(self._ends))
        self._sock.sendall(text.encode("latin-1") + b"\r\n" + (body or b""))
        response = http.client.HTTPResponse(cast(socket.socket, _Socket(self._sock, self._ends)), method=method)
        response.begin()
        found = {name.lower(): value for name, value in response.getheaders()}
        if found.get("content-encoding", "identity").lower() != "identity":
            raise OutgoingFailed("The answer is compressed, which was not asked for.")
        read = response.read(most_bytes + 1)
        if len(read) > most_bytes:
            raise OutgoingFailed(f"The answer is longer than {most_bytes:,} bytes.")
        if response.length:
            raise OutgoingFailed("The connection ended within the answer.")
        return Answer(response.status, found, read, time.monotonic() - began)
