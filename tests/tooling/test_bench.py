"""The load generator against a small server on loopback: it counts what came, and hides no waiting. And its report."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.load import Measured, ceiling, each_on_each, open_loop, percentile, throughput
from bench.report import all_met, comparison, table

SLEEP_SECONDS = 0.05
ANSWERS = {"/missing": 404, "/broken": 500, "/same": 304, "/nothing": 204}


class Handler(BaseHTTPRequestHandler):
    """Answers as its path says, and notes the path, the connection and the accepted encoding."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, tuple[str, int], str | None]]

    def do_GET(self) -> None:
        self.seen.append((self.path, self.client_address, self.headers["Accept-Encoding"]))
        if self.path == "/hangs-up":
            self.close_connection = True
            return
        if self.path == "/slow":
            time.sleep(SLEEP_SECONDS)
        self.send_response(ANSWERS.get(self.path, 200))
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"5\r\nhello\r\n", b"6\r\n world\r\n", b"0\r\n\r\n"):
                self.wfile.write(part)
                self.wfile.flush()
        elif self.path == "/until-closed":
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"hello")
            self.close_connection = True
        elif self.path in ("/same", "/nothing"):
            self.end_headers()
        else:
            body = b"x" * (200_000 if self.path == "/large" else 5)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to say."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A visitor who gave up is no news."""


@pytest.fixture
def port() -> Iterator[int]:
    Handler.seen = []
    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_throughput_counts_what_the_server_answered_over_few_kept_connections(port):
    measured = throughput(port, ["/a", "/b"], connections=3, seconds=0.2)

    assert len(measured.latencies) == len(Handler.seen) > 3
    assert measured.failed == 0
    assert measured.seconds >= 0.2
    assert measured.per_second == pytest.approx(len(Handler.seen) / measured.seconds)
    assert {path for path, _who, _encoding in Handler.seen} == {"/a", "/b"}
    assert len({who for _path, who, _encoding in Handler.seen}) == 3
    assert {encoding for _path, _who, encoding in Handler.seen} == {"gzip"}


@pytest.mark.parametrize("path", ["/missing", "/broken", "/hangs-up"])
def test_what_is_no_success_is_counted_as_failed(port, path):
    measured = throughput(port, ["/fine", path], connections=1, seconds=0.1)

    bad = sum(seen == path for seen, _who, _encoding in Handler.seen)
    assert measured.failed == bad > 0
    assert len(measured.latencies) == len(Handler.seen) > bad


@pytest.mark.parametrize("path", ["/large", "/chunked", "/until-closed", "/same", "/nothing"])
def test_every_kind_of_answer_is_read_to_its_end(port, path):
    measured = open_loop(port, ["/before", path, "/after"], rate=100, seconds=0.3)

    assert len(measured.latencies) == len(Handler.seen) == 30
    assert measured.failed == 0


def test_an_open_loop_asks_as_often_as_it_was_told_whatever_the_server_does(port):
    measured = open_loop(port, ["/slow"], rate=100, seconds=0.5)

    # One connection alone could have asked 10 times.
    assert len(measured.latencies) == len(Handler.seen) == 50
    assert min(measured.latencies) >= SLEEP_SECONDS
    assert measured.percentile(0.5) >= 1000 * SLEEP_SECONDS
    assert measured.seconds >= 0.49


def test_an_open_loop_counts_the_wait_for_a_free_connection(port, monkeypatch):
    monkeypatch.setattr("bench.load.MOST_CONNECTIONS", 1)

    measured = open_loop(port, ["/slow"], rate=200, seconds=0.05)

    # Ten requests, due every 5 ms, are answered one after the other: the last one waited for the nine before it.
    assert len(measured.latencies) == 10
    assert max(measured.latencies) >= 10 * SLEEP_SECONDS - 0.05


def test_an_open_loop_counts_failures(port):
    measured = open_loop(port, ["/fine", "/missing", "/hangs-up", "/broken"], rate=200, seconds=0.1)

    assert len(measured.latencies) == 20
    assert measured.failed == 15


def test_what_is_never_answered_is_counted_as_failed_with_its_waiting_time(port, monkeypatch):
    monkeypatch.setattr("bench.load.TIMEOUT_SECONDS", SLEEP_SECONDS / 5)

    measured = throughput(port, ["/slow"], connections=2, seconds=0.01)

    assert (len(measured.latencies), measured.failed) == (2, 2)
    assert min(measured.latencies) >= SLEEP_SECONDS / 5


def test_every_path_is_asked_over_every_connection(port):
    each_on_each(port, ["/a", "/until-closed", "/b"], connections=2)

    assert [path for path, _who, _encoding in Handler.seen] == ["/a", "/until-closed", "/b"] * 2


def test_nobody_who_listens_is_an_error():
    with pytest.raises(ConnectionError):
        throughput(1, ["/"], connections=1, seconds=0.1)


def test_the_generators_own_ceiling_is_measured():
    measured = ceiling(connections=2, seconds=0.1)

    assert measured.per_second > 0
    assert measured.failed == 0
    assert measured.processor > 0


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, 1), (0.01, 1), (0.07, 7), (0.5, 50), (0.501, 51), (0.99, 99), (1.0, 100)],
)
def test_a_percentile_is_the_nearest_rank(share, expected):
    assert percentile(list(range(100, 0, -1)), share) == expected


def test_percentiles_of_few_values_and_of_none():
    assert percentile([3.0], 0.99) == 3.0
    assert percentile([], 0.5) != percentile([], 0.5)
    assert Measured(latencies=[0.001, 0.002]).percentile(0.5) == pytest.approx(1.0)


def test_runs_add_up():
    total = Measured()
    total.add(Measured(1.0, [0.1, 0.2], 1, 0.5))
    total.add(Measured(3.0, [0.3, 0.4], 0, 0.5))

    assert (total.seconds, total.failed, total.processor) == (4.0, 1, 1.0)
    assert total.per_second == 1.0


def a_report(**more: object) -> dict:
    """A report with one case, the product page, whose targets are all met."""
    figures = {
        "per_second": 700.0, "limit": 1000.0, "of_limit": 0.7, "p50": 2.0, "p99": 10.0, "most": 12.0, "failed": 0,
        "queries": 7, "chosen": {},
    }  # fmt: skip
    return {
        "products": 1_000, "measured_at": "2026-11-22 09:40 UTC", "machine": {"cores": 2}, "connections": 16, "rate": 50.0,
        "seconds": 5.0, "latency_seconds": 10.0, "ceiling_per_second": 30_000,
        "cases": {caches: {"product": figures | more} for caches in ("warm", "off")},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("figures", "missed"),
    [({}, 0), ({"of_limit": 0.59}, 1), ({"p99": 50.0}, 1), ({"of_limit": 0.1, "p99": 500.0}, 2)],
)
def test_targets_are_asked_of_warm_caches_and_named_in_the_table(figures, missed):
    report = a_report(**figures)

    assert all_met(report) == (missed == 0)
    assert "\n".join(table(report)).count("MISSED") == missed


def test_a_single_refused_request_misses_the_target_whatever_the_caches():
    assert "\n".join(table(a_report(failed=1))).count("nothing refused: MISSED") == 2


def test_two_sizes_are_compared_by_their_latencies():
    lines = list(comparison(a_report(), a_report(p50=2.6, p99=13.1)))

    assert [met for line, met in lines if "warm" in line] == [True, False]
    assert [met for line, met in lines if "off" in line] == [True, True]
    assert "1.30 times" in lines[0][0]
    assert "1.31 times" in lines[1][0]
