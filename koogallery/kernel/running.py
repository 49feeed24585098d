"""Runs the whole marketplace from one process: what `bin/up` does once its environment stands.

Servers, web, worker and beat are children that end with this process, also when it is killed: the kernel tells them
(PR_SET_PDEATHSIG). Data in `var/` survives; the next start recovers it.
"""

import argparse
import contextlib
import ctypes
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from koogallery.kernel import embedded
from koogallery.kernel.clock import OFFSET_VARIABLE
from koogallery.kernel.starting import SAY_EVERY_SECONDS, StoodStill, wait_for

STOP_SECONDS = 30
THREADS_A_WORKER = 6
WEB_STATEMENT_TIMEOUT_MS = 5_000
NEEDED_BYTES = 200 * 2**20
PR_SET_PDEATHSIG = 1
UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class CannotRun(Exception):
    """Something outside is missing; the message is one sentence for a person."""


class Stopped(Exception):
    """A signal asked us to stop."""


def end_with_parent() -> None:
    """In a child, before it becomes its program: ask the kernel for SIGTERM when the parent dies."""
    with contextlib.suppress(OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """One program that we run, with its own log."""

    name: str
    command: list[str]
    log: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self, root: Path) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=root,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=end_with_parent,
            )

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        # What it forked belongs to its group and must not stay behind.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def last_line(self) -> str:
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip()[:300] if lines else "it said nothing"


def ahead(text: str) -> timedelta:
    """`+40d`, `+3h`, `+90m`: how far business time is set ahead.

    Raises:
        argparse.ArgumentTypeError: anything else.
    """
    match = re.fullmatch(r"\+?(\d{1,5})([dhm])", text)
    if match is None:
        raise argparse.ArgumentTypeError("give it as +40d, +3h or +90m")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def _port(text: str) -> int:
    if not (text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def main(arguments: list[str], root: Path) -> int:
    """Run until a signal comes; the exit status."""
    parser = argparse.ArgumentParser(prog="bin/up", description="Set up and run the whole marketplace.")
    parser.add_argument("--port", type=_port, default=8000, help="the web server's port (8000)")
    parser.add_argument("--reset-demo", action="store_true", help="throw the data away and load the demo anew")
    parser.add_argument("--clock", type=ahead, default=timedelta(), metavar="+40d", help="let everything live later")
    options = parser.parse_args(arguments)
    os.umask(0o022)
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, _stop)
    try:
        _run(root, options.port, reset=options.reset_demo, clock=options.clock)
    except Stopped:
        return 0
    except (CannotRun, embedded.EmbeddedError) as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.strerror}: {error.filename or root}", file=sys.stderr)
    return 1


def _stop(_sign: int, _frame: object) -> None:
    # The first signal ends everything in order; further ones do not disturb that.
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, signal.SIG_IGN)
    raise Stopped


def _run(root: Path, port: int, *, reset: bool, clock: timedelta) -> None:
    var = root / "var"
    _check_room(root, var, port)
    if reset:
        _reset(var)
    environment = _environment(root, port, clock)
    demo_port = _demo_port(port)
    environment["DEMO_SELLER_URL"] = f"http://127.0.0.1:{demo_port}"
    with contextlib.ExitStack() as stack:
        if not (environment.get("DATABASE_URL") and environment.get("REDIS_URL")):
            stack.enter_context(embedded.servers(var, before_start=end_with_parent, say=_say))
        _manage(root, environment, "migrate", "-v0", "--no-input")
        _collect_static(root, environment)
        _manage(root, environment, "load_demo", "--if-empty", show=True)
        children = stack.enter_context(_started(_children(root, port, demo_port, environment), root))
        _wait_until_ready(children, port)
        _greet(root, port, clock)
        _watch(children)


def _check_room(root: Path, var: Path, port: int) -> None:
    try:
        (var / "log").mkdir(parents=True, exist_ok=True)
        probe = var / "log" / "probe"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise CannotRun(f"This folder cannot be written to ({error.strerror}): {var}") from error
    if shutil.disk_usage(var).free < NEEDED_BYTES:
        raise CannotRun(f"The disk is full: {var} needs 200 MB of room.")
    # Two web servers would share a port silently, so look for a listener first.
    with socket.socket() as probe_socket:
        probe_socket.settimeout(1)
        if probe_socket.connect_ex(("127.0.0.1", port)) == 0:
            raise CannotRun(f"Port {port} is in use: stop what listens there, or choose another with --port.")
    with socket.socket() as probe_socket:
        probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe_socket.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotRun(f"Port {port} cannot be used: {error.strerror}.") from error


def _reset(var: Path) -> None:
    if embedded.running(var):
        raise CannotRun("The marketplace of this folder is running: stop it before --reset-demo.")
    data = embedded.data_folder(var)
    for folder in (data, var / "media"):
        shutil.rmtree(folder, ignore_errors=True)
    (var / "demo-seller.sqlite").unlink(missing_ok=True)
    print("The old data is gone.", flush=True)


def _environment(root: Path, port: int, clock: timedelta) -> dict[str, str]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8"}
    environment["PATH"] = f"{root / '.venv' / 'bin'}:{environment.get('PATH', '/usr/bin:/bin')}"
    environment.setdefault("SITE_URL", f"http://127.0.0.1:{port}")
    environment["DJANGO_SETTINGS_MODULE"] = "koogallery.settings"
    if clock:
        environment[OFFSET_VARIABLE] = str(int(clock.total_seconds()))
    return environment


def _manage(root: Path, environment: dict[str, str], *command: str, show: bool = False) -> None:
    """A management command that must succeed before anything is served; one that shows nothing is told of when it takes long."""
    with subprocess.Popen(
        [sys.executable, "manage.py", *command],
        cwd=root,
        env=environment,
        stdout=None if show else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=end_with_parent,
    ) as process:
        try:
            errors, begun = None, time.monotonic()
            while errors is None:
                try:
                    errors = process.communicate(timeout=None if show else SAY_EVERY_SECONDS)[1]
                except subprocess.TimeoutExpired:
                    _say(f"Waiting for {command[0]}: {time.monotonic() - begun:.0f} seconds so far.")
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        lines = [line for line in errors.splitlines() if line.strip()] or ["it said nothing"]
        raise CannotRun(f"{command[0]} failed: {lines[-1].strip()}")


def _collect_static(root: Path, environment: dict[str, str]) -> None:
    """Collect, hash and compress the static files; nothing to do while they and the packages are the same."""
    digest = hashlib.sha256((root / "uv.lock").read_bytes())
    for path in sorted((root / "static").rglob("*")):
        if path.is_file():
            digest.update(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}".encode())
    stamp = root / "var" / "static.stamp"
    if stamp.exists() and stamp.read_text() == digest.hexdigest() and (root / "var" / "static").exists():
        return
    # Nothing of ours links to these two, and they are most of the bytes.
    unused = ["--ignore", "redoc", "--ignore", "rest_framework"]
    _manage(root, environment, "collectstatic", "-v0", "--no-input", "--clear", *unused)
    stamp.write_text(digest.hexdigest())


# Of each connection's body the server reads ahead no more than this; granian's own 408 KiB are kept by every connection
# that ever uploaded something (docs/uploads.md, Memory). A request's head may be as long.
READ_AHEAD_BYTES = 64 << 10


def web_command(port: int, application: str = "koogallery.wsgi:application") -> list[str]:
    """How the web server is started; measurements start theirs the same way."""
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", str(os.cpu_count() or 1), "--blocking-threads", str(THREADS_A_WORKER),
        "--http1-buffer-size", str(READ_AHEAD_BYTES),
        "--access-log", "--no-ws", "--log-level", "info", application,
    ]  # fmt: skip


def celery_commands(schedule: Path) -> dict[str, list[str]]:
    """How worker and beat are started, by name; beat notes in `schedule` when it ran last."""
    celery = [sys.executable, "-m", "celery", "-A", "koogallery"]
    return {
        "worker": [
            *celery,
            "worker",
            "--concurrency",
            "2",
            "--queues",
            "celery,timers,outbox",
            "--loglevel",
            "INFO",
            "--without-mingle",
            "--without-gossip",
        ],
        # Calls to sellers, in threads of one process: whoever hangs there holds up nothing here.
        "caller": [
            *celery,
            "worker",
            "--concurrency",
            "1",
            "--queues",
            "sellers",
            "--hostname",
            "caller@%h",
            "--loglevel",
            "INFO",
            "--without-mingle",
            "--without-gossip",
        ],
        "beat": [*celery, "beat", "--loglevel", "INFO", "--schedule", str(schedule), "--pidfile", ""],
    }


def _demo_port(port: int) -> int:
    """Where the demo's SaaS seller listens: 700 above the web server, or on any free port."""
    for candidate in (port + 700, 0):
        with socket.socket() as probe, contextlib.suppress(OSError, OverflowError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if candidate and probe.connect_ex(("127.0.0.1", candidate)) == 0:
                continue
        with socket.socket() as probe, contextlib.suppress(OSError, OverflowError):
            probe.bind(("127.0.0.1", candidate))
            return int(probe.getsockname()[1])
    raise CannotRun("There is no free port for the demo's SaaS seller.")


def _demo_seller(root: Path, port: int, demo_port: int, environment: dict[str, str]) -> Child:
    """The example of a SaaS seller, as the demo's own: what a buyer pays for appears there."""
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--host", "127.0.0.1",
        "--port", str(demo_port), "--workers", "1", "--blocking-threads", "4", "--no-ws", "--log-level", "warning",
        "examples.saas_seller.seller:create_app",
    ]  # fmt: skip
    key = "koogallery-demo-access-key"
    own = {
        "ACCESS_KEY_ID": key,
        "ACCESS_KEY": key,
        "MARKETPLACE_URL": f"http://127.0.0.1:{port}",
        "DATABASE": str(root / "var" / "demo-seller.sqlite"),
    }
    kept = {name: environment[name] for name in ("PATH", "PYTHONUNBUFFERED", "PYTHONUTF8", "LC_ALL")}
    return Child("seller", command, root / "var" / "log" / "seller.log", kept | own)


def _children(root: Path, port: int, demo_port: int, environment: dict[str, str]) -> list[Child]:
    logs = root / "var" / "log"
    web_environment = {**environment, "STATEMENT_TIMEOUT_MS": str(WEB_STATEMENT_TIMEOUT_MS)}
    commands = celery_commands(root / "var" / "celerybeat-schedule")
    return [
        Child("web", web_command(port), logs / "web.log", web_environment),
        _demo_seller(root, port, demo_port, environment),
        *(Child(name, command, logs / f"{name}.log", environment) for name, command in commands.items()),
    ]


@contextlib.contextmanager
def _started(children: list[Child], root: Path) -> Iterator[list[Child]]:
    running: list[Child] = []
    try:
        for child in children:
            child.log.write_bytes(b"")
            child.start(root)
            running.append(child)
        yield running
    finally:
        # Beat first, so that it wakes nobody who is about to go; the web server last, so that visitors are served.
        for child in reversed(running):
            child.stop()


def _raise_if_dead(children: list[Child]) -> None:
    for child in children:
        status = child.process.poll()
        if status is not None:
            raise CannotRun(f"The {child.name} process ended (status {status}): {child.last_line()}")


def _wait_until_ready(children: list[Child], port: int) -> None:
    """Return when the web server answers and the worker takes work; however long that takes while they do something."""
    by_name = {child.name: child for child in children}
    web, worker = by_name["web"], by_name["worker"]

    def missing() -> dict[str, subprocess.Popen[bytes]]:
        _raise_if_dead(children)
        found = {} if _answers(port) else {"the web server": web.process}
        return found if " ready." in worker.log.read_text(errors="replace") else {**found, "the worker": worker.process}

    try:
        wait_for(missing, say=_say)
    except StoodStill as still:
        raise CannotRun(f"The marketplace is not ready: {still}; see {worker.log.parent}.") from still


def _say(text: str) -> None:
    print(text, flush=True)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _greet(root: Path, port: int, clock: timedelta) -> None:
    later = f" Its clock is {clock} ahead." if clock else ""
    print(
        f"\nKooGallery runs at http://127.0.0.1:{port}/{later}\n"
        f"  Logs and e-mails: {root / 'var' / 'log'} (web.log, worker.log; e-mails are printed there)\n"
        "  Demo logins, all with the password koogallery-demo:\n"
        "    buyer@demo.example (Contoso Retail), buyer2@demo.example (Alder Health), viewer@demo.example,\n"
        "    seller@demo.example (Northwind Digital), seller2@demo.example (Harbor Labs), operator@demo.example\n"
        "  Stop everything with Ctrl-C.",
        flush=True,
    )


def _watch(children: list[Child]) -> None:
    while True:
        _raise_if_dead(children)
        time.sleep(0.5)
