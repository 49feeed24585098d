"""The one way out: only to public addresses, pinned, bounded, without redirects."""

import ssl
import time

import pytest
import trustme

from koogallery.kernel import outgoing
from koogallery.kernel.outgoing import OutgoingFailed, OutgoingRefused, OutgoingTimedOut, fetch, url_refusal
from tests.hostile import drip, flood, hostile, http, raw, silence

HERE = "127.0.0.1"


def get(url, *, seconds=2.0, most_bytes=1000, **more):
    return fetch("GET", url, headers={}, seconds=seconds, most_bytes=most_bytes, **more)


def test_an_answer_comes_as_it_was_sent():
    with hostile(http(b'{"a": 1}', "202 Accepted", Body_Sign="x")) as server:
        answer = fetch("POST", server.url(path="/p?q=1"), headers={"X-A": "b"}, body=b"body", seconds=2, most_bytes=100)
        assert (answer.status, answer.body, answer.headers["body-sign"]) == (202, b'{"a": 1}', "x")
        request = server.requests[0]
        assert request.startswith(b"POST /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:")
        assert request.endswith(b"Content-Length: 4\r\n\r\nbody")


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "192.0.2.1",
        "198.18.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
        "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001::1", "127.0.0.1", "127.9.9.9", "nonsense",
        "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::1", "fec0::1", "5f00::1", "192.88.99.1", "::ffff:169.254.169.254",
    ],
)  # fmt: skip
def test_no_name_leads_to_an_address_that_is_not_public(settings, address):
    settings.OUTGOING_LOOPBACK_ALLOWED = False
    with pytest.raises(OutgoingRefused, match="not public"):
        get("https://seller.example/", resolve=lambda _host, _port: ["93.184.216.34", address])


@pytest.mark.parametrize(
    "url",
    [
        "http://seller.example/", "ftp://seller.example/", "//seller.example/", "seller.example", "https://", "https:///x",
        "https://10.0.0.1/", "https://93.184.216.34/", "https://[::1]/", "https://127.1/", "https://2130706433/",
        "https://0x7f000001/", "https://user:pw@seller.example/", "https://seller.example:0/", "https://seller.example:99999/",
        "https://seller.example\\@evil.example/", "https://seller.example/ x", "https://seller.example/\r\nHost: x",
        "https://seller.example/#x", "file:///etc/passwd", "gopher://seller.example/", "https://" + "a" * 3000 + ".example/",
        "https://seller..example/", "javascript:alert(1)", "https://localhost/", "https://localhost./", "https://db/",
        "https://127.0.0.1./", "https://１２７.0.0.1/", "https://127。0。0。1/", "https://0177.1/", "https://x.localhost/",
    ],
)  # fmt: skip
def test_addresses_that_we_never_go_to(settings, url):
    settings.OUTGOING_LOOPBACK_ALLOWED = False
    assert url_refusal(url)
    with pytest.raises(OutgoingRefused):
        get(url, resolve=lambda _host, _port: pytest.fail("it was resolved"))


def test_loopback_is_open_where_the_settings_say_so_and_nothing_beside_it(settings):
    assert url_refusal("http://127.0.0.1:8700/x") is None
    assert url_refusal("http://localhost:8700/x") is None
    assert url_refusal("http://192.168.0.1/")
    assert url_refusal("http://seller.example/")
    with pytest.raises(OutgoingRefused):
        get("https://seller.example/", resolve=lambda _host, _port: [HERE, "169.254.169.254"])
    settings.OUTGOING_LOOPBACK_ALLOWED = False
    assert url_refusal("http://127.0.0.1:8700/x")
    assert url_refusal("https://localhost:8700/x")
    with pytest.raises(OutgoingRefused, match="not public"):
        get("https://localhost.example/x", resolve=lambda _host, _port: [HERE])


def test_a_name_is_asked_once_and_the_answer_is_where_we_go():
    asked = []

    def changing(host, port):
        asked.append(host)
        return [HERE] if len(asked) == 1 else ["169.254.169.254"]

    with hostile(http(b"{}")) as server:
        assert get(server.url("localhost"), resolve=changing).status == 200
    assert asked == ["localhost"]


def test_a_redirect_is_an_answer_and_is_not_followed():
    with hostile(http(b"{}")) as inner, hostile(http(b"", "302 Found", Location=inner.url())) as server:
        answer = get(server.url())
    assert (answer.status, inner.requests) == (302, [])


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(silence(), id="silence"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100), id="headers byte by byte"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"x" * 500), id="body byte by byte"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 90), id="chunks"),
    ],
)
def test_one_clock_bounds_everything(behave):
    began = time.monotonic()
    with hostile(behave) as server, pytest.raises(OutgoingTimedOut, match=r"within 0\.4 seconds"):
        get(server.url(), seconds=0.4)
    assert time.monotonic() - began < 1.5


def test_a_name_that_takes_too_long_is_within_the_same_clock():
    with pytest.raises(OutgoingTimedOut):
        get("https://seller.example/", seconds=0.2, resolve=lambda _host, _port: time.sleep(0.6) or [])


@pytest.mark.parametrize(
    ("behave", "why"),
    [
        pytest.param(http(b"x" * 1001), "longer than 1,000", id="long"),
        pytest.param(flood(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"), "longer", id="flood"),
        pytest.param(flood(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), "failed|longer", id="no chunk"),
        pytest.param(flood(b"HTTP/1.1 200 OK\r\nX: "), "failed", id="endless header"),
        pytest.param(http(b"x", Content_Encoding="gzip"), "compressed", id="compressed"),
        pytest.param(raw(b"SSH-2.0-OpenSSH\r\n"), "failed", id="another protocol"),
        pytest.param(raw(b""), "failed", id="hangs up"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"), "ended within", id="half a body"),
    ],
)
def test_what_is_no_whole_short_answer_fails(behave, why):
    with hostile(behave) as server, pytest.raises(OutgoingFailed, match=why):
        get(server.url())


def test_nobody_listens():
    with hostile(http(b"")) as server:
        pass
    with pytest.raises(OutgoingFailed, match="failed"):
        get(server.url())


def test_tls_is_verified_for_the_name_that_was_asked(settings, tmp_path):
    ca = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("seller.example").configure_cert(tls)
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    here = {"resolve": lambda _host, _port: [HERE]}
    with hostile(http(b"{}"), tls=tls) as server:
        with pytest.raises(OutgoingFailed, match="certificate is not valid"):
            get(server.url("seller.example", scheme="https"), **here)
        settings.OUTGOING_CA_FILE = str(tmp_path / "ca.pem")
        assert get(server.url("seller.example", scheme="https"), **here).status == 200
        with pytest.raises(OutgoingFailed, match="certificate is not valid"):
            get(server.url("other.example", scheme="https"), **here)
    with hostile(http(b"{}")) as server, pytest.raises(OutgoingFailed):
        get(server.url("seller.example", scheme="https"), seconds=0.3, **here)
    assert outgoing._tls("").minimum_version >= ssl.TLSVersion.TLSv1_2
