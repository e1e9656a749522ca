"""One attempt to bring one file from one address, going on where the last attempt stopped.

Faults say whether trying the same address again can help (`TransientError`) or not (`MirrorError`).
"""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from archlock.tables.errors import DownloadError
from archlock.tables.mirrors import is_loopback, is_safe
from archlock.tables.storing import disk_errors

CHUNK_BYTES = 1 << 16
PARTIAL, RANGE_REFUSED = 206, 416
RETRYABLE = (408, 425, 429, 500, 502, 503, 504)


class MirrorError(Exception):
    """The address does not have the file, or has another one."""


class TransientError(Exception):
    """The address may give the file, or the rest of it, when asked again.

    Args:
        message: what happened.
        wait_s: how long the server asked to wait; 0 where it did not say.
    """

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server.

    Attributes:
        silence_s: longest wait for an answer, or for the next bytes.
        window_s: over how long the least speed is measured.
        least_bytes: an attempt is given up that brings fewer bytes than this in a window.
        attempts: attempts in a row that bring less than ``least_bytes`` before the next address is tried.
        most_attempts: attempts per address, whatever they bring.
        pause_s: pause after the first failed attempt; doubled after each further one.
        longest_pause_s: no pause is longer, whatever the server asks for.
    """

    silence_s: float = 30.0
    window_s: float = 30.0
    least_bytes: int = 16_384
    attempts: int = 4
    most_attempts: int = 40
    pause_s: float = 0.5
    longest_pause_s: float = 30.0


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only where it leads to an address that could have been given."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if not is_safe(newurl):
            raise MirrorError(f"redirects to {newurl!r:.100}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def continue_transfer(url: str, part: Path, size_bytes: int, patience: Patience, seen: Callable[[int], None]) -> None:
    """Bring the part of a file up to its full size.

    Args:
        url: https, or http to this machine.
        part: what is there already is kept, and asked for no more, where the server knows ranges.
        size_bytes: of the whole file.
        patience: when to give up.
        seen: told the bytes that are there, after every chunk.

    Raises:
        MirrorError: the file is not there, or it is another one.
        TransientError: the answer was cut off, late, or an error that passes.
        TableError, DownloadError: the part cannot be written.
    """
    have = _size(part)
    if have > size_bytes:
        part.unlink()
        have = 0
    if have == size_bytes:
        return
    try:
        with _open(url, have, patience) as answer:
            start = _start(answer, have, size_bytes)
            _copy(answer, part, start, size_bytes, patience, seen)
    except urllib.error.HTTPError as error:
        _refused(error, part)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        kind = MirrorError if isinstance(reason, ssl.SSLCertVerificationError) else TransientError
        raise kind(getattr(reason, "strerror", None) or str(reason) or type(reason).__name__) from None


def _open(url: str, have: int, patience: Patience) -> http.client.HTTPResponse:
    headers = {"User-Agent": "archlock", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    handlers: list[urllib.request.BaseHandler] = [_SafeRedirects()]
    if is_loopback(urlsplit(url).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    opener = urllib.request.build_opener(*handlers)
    answer: http.client.HTTPResponse = opener.open(
        urllib.request.Request(url, headers=headers), timeout=patience.silence_s
    )
    return answer


def _start(answer: http.client.HTTPResponse, have: int, size_bytes: int) -> int:
    """The byte of the file that the answer begins with; 0 where the server knows no ranges."""
    if (answer.headers.get("Content-Encoding") or "identity").lower() != "identity":
        raise MirrorError("sends the file compressed, though it was not asked to")
    if answer.status == PARTIAL:
        if answer.headers.get("Content-Range") != f"bytes {have}-{size_bytes - 1}/{size_bytes}":
            raise MirrorError(f"answers range {answer.headers.get('Content-Range')!r:.60} of another file")
        return have
    stated = answer.headers.get("Content-Length")
    if stated is not None and stated != str(size_bytes):
        raise MirrorError(f"has a file of {stated:.20} bytes, expected {size_bytes}")
    return 0


def _copy(
    answer: http.client.HTTPResponse, part: Path, start: int, size_bytes: int, patience: Patience,
    seen: Callable[[int], None],
) -> None:  # fmt: skip
    have, window_have, window_s = start, start, time.monotonic()
    with disk_errors(part):
        # Unbuffered, or what a full disk refuses would be written, and refused, once more when the file is closed.
        file = part.open("r+b" if start else "wb", buffering=0)
    with file:
        file.seek(start)
        while chunk := answer.read1(CHUNK_BYTES):
            have += len(chunk)
            if have > size_bytes:
                raise MirrorError(f"sends more than the {size_bytes} bytes of the file")
            with disk_errors(part):
                _write_all(file, chunk)
            seen(have)
            if time.monotonic() - window_s > patience.window_s:
                if have - window_have < patience.least_bytes and have < size_bytes:
                    raise TransientError(f"too slow: {have - window_have} bytes in {patience.window_s:g} s")
                window_have, window_s = have, time.monotonic()
    if have < size_bytes:
        raise TransientError(f"the answer ended after {have} of {size_bytes} bytes")


def _write_all(file: IO[bytes], chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) :]


def _refused(error: urllib.error.HTTPError, part: Path) -> None:
    with error:
        if error.code == RANGE_REFUSED:
            part.unlink(missing_ok=True)
            raise TransientError("refuses the range that is missing; starting anew") from None
        if error.code in RETRYABLE:
            raise TransientError(f"answers {error.code} {error.reason}", _wait_s(error.headers)) from None
        raise MirrorError(f"answers {error.code} {error.reason}") from None


def _wait_s(headers: Message) -> float:
    stated = headers.get("Retry-After", "")
    return float(stated) if stated.isdigit() else 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise DownloadError(f"{path}: cannot be read: {error.strerror}") from None
