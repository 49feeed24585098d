"""Real processes beside a test: they work on the test's own database and on the test run's Valkey."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from bench.place import memory_of
from koogallery.kernel.running import web_command

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 40


def environment() -> dict[str, str]:
    """Environment variables with which a process of ours finds the database of the running test."""
    url = urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}")
    return {**os.environ, "DATABASE_URL": url.geturl()}


@dataclass(frozen=True, slots=True)
class Server:
    """A web server: where it listens, and its process group."""

    port: int
    group: int

    def memory(self) -> int:
        """Bytes that its processes hold of their own."""
        return memory_of(self.group)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def web_server(folder: Path, *, longest_file: int = 0, **extra: str) -> Iterator[Server]:
    """The web server as bin/up starts it, on the test's database; its log is `web.log` in `folder`.

    `longest_file`: what it writes beyond that fails, as on a full disk.
    """
    port = free_port()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (longest_file, longest_file))

    with (folder / "web.log").open("ab") as log:
        process = subprocess.Popen(
            web_command(port),
            cwd=ROOT,
            env=environment() | extra,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=limit if longest_file else None,
        )
        try:
            start = time.monotonic()
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                assert time.monotonic() - start < START_SECONDS, (folder / "web.log").read_text()[-2000:]
                time.sleep(0.1)
            yield Server(port, process.pid)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
