"""A real HTTP server on this machine that serves files well, badly, slowly, or not at all, by the first part of a path.

``/good/…`` knows ranges; ``/norange/…`` does not; ``/cut/…`` ends each answer after `CUT_BYTES`; ``/wrong/…`` changes a
byte; ``/short/…`` has another size; ``/stalled/…`` stops in the middle and never goes on; ``/trickle/…`` sends a byte
at a time; ``/busy/…`` answers 503 twice; ``/away/…`` redirects to plain http elsewhere; anything else answers 404.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

CUT_BYTES = 700_000


@dataclass
class PublicServer:
    """Where it listens, and what it was asked: (behaviour, file, first byte asked for)."""

    port: int = 0
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def mirror(self, behaviour: str) -> str:
        """A mirror template."""
        return f"http://127.0.0.1:{self.port}/{behaviour}/{{repository}}/{{commit}}/{{path}}"


class Site(ThreadingHTTPServer):
    """Gives what ``find`` finds for ``owner/name/commit/path`` on a free port of this machine."""

    daemon_threads = True

    def __init__(self, find: Callable[[str], bytes | None]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.find = find
        self.state = PublicServer(self.server_address[1])


class Handler(BaseHTTPRequestHandler):
    """One answer; a behaviour is the method of its name."""

    server: Site

    def log_message(self, *_: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        behaviour, _, name = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.server.state.asked.append((behaviour, name, start))
        content = self.server.find(name)
        if content is None or not hasattr(self, f"_{behaviour}"):
            self.send_error(404)
        else:
            getattr(self, f"_{behaviour}")(content, start)

    def _head(self, content: bytes, start: int) -> bytes:
        """Send status and headers; what is to follow."""
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        return content[start:]

    def _good(self, content: bytes, start: int) -> None:
        self.wfile.write(self._head(content, start))

    def _norange(self, content: bytes, start: int) -> None:
        self._good(content, 0)

    def _cut(self, content: bytes, start: int) -> None:
        self.wfile.write(self._head(content, start)[:CUT_BYTES])

    def _norange_cut(self, content: bytes, start: int) -> None:
        self.wfile.write(self._head(content, 0)[: len(content) // 2])

    def _wrong(self, content: bytes, start: int) -> None:
        self._good(content[:-1] + bytes([content[-1] ^ 1]), start)

    def _short(self, content: bytes, start: int) -> None:
        self._good(content[:-10], 0)

    def _stalled(self, content: bytes, start: int) -> None:
        body = self._head(content, start)
        self.wfile.write(b"" if start else body[:CUT_BYTES])
        self.wfile.flush()
        self.server.state.stopping.wait(30)

    def _trickle(self, content: bytes, start: int) -> None:
        for byte in self._head(content, start):
            if self.server.state.stopping.is_set():
                return
            try:
                self.wfile.write(bytes([byte]))
            except OSError:
                return
            time.sleep(0.02)

    def _busy(self, content: bytes, start: int) -> None:
        if sum(behaviour == "busy" for behaviour, _, _ in self.server.state.asked) <= 2:
            self.send_error(503)
        else:
            self._good(content, start)

    def _away(self, content: bytes, start: int) -> None:
        self.send_response(302)
        self.send_header("Location", "http://example.org/file")
        self.end_headers()


@contextmanager
def serve(find: Callable[[str], bytes | None]) -> Iterator[PublicServer]:
    """Serve what ``find`` gives for ``owner/name/commit/path``."""
    site = Site(find)
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site.state
    finally:
        site.state.stopping.set()
        site.shutdown()
        site.server_close()
        thread.join()
