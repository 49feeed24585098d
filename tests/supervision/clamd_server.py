"""A small daemon that speaks ClamAV's INSTREAM on the loopback, and knows one virus: EICAR's test string."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator

# Cut in two, so that no scanner finds this file.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}" + rb"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Daemon:
    """`mode`: "works", "silent" (answers nothing), "broken" (an error), "closes" (no answer)."""

    def __init__(self, listening: socket.socket, limit: int) -> None:
        self.listening, self.limit, self.mode, self.scanned = listening, limit, "works", 0

    def serve(self) -> None:
        while True:
            try:
                connection, _address = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            stream = connection.makefile("rb")
            command = stream.read(10)
            if command != b"zINSTREAM\0":
                connection.sendall(b"UNKNOWN COMMAND\0")
                return
            content = b""
            while length := struct.unpack("!L", stream.read(4))[0]:
                content += stream.read(length)
                if len(content) > self.limit:
                    connection.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                    return
            if self.mode == "silent":
                time.sleep(5)
            elif self.mode == "broken":
                connection.sendall(b"stream: Can't allocate memory ERROR\0")
            elif self.mode == "works":
                self.scanned += 1
                verdict = b"Eicar-Signature FOUND" if EICAR in content else b"OK"
                connection.sendall(b"stream: " + verdict + b"\0")


@contextlib.contextmanager
def clamd(path: str = "", limit: int = 1 << 20) -> Iterator[tuple[Daemon, str]]:
    """The daemon and its address: a unix socket at `path`, or TCP."""
    if path:
        listening, address = socket.socket(socket.AF_UNIX), f"unix://{path}"
        listening.bind(path)
        listening.listen()
    else:
        listening = socket.create_server(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
    daemon = Daemon(listening, limit)
    thread = threading.Thread(target=daemon.serve, daemon=True)
    thread.start()
    try:
        yield daemon, address
    finally:
        listening.close()
