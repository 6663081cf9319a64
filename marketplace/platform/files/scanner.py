"""Virus scan through clamd, where one runs: its INSTREAM command over TCP or a Unix socket.

A scanner that is down means *not scanned*, never *clean*: the caller shows the difference.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_PIECE: Final = 64 * 1024


class Verdict(StrEnum):
    CLEAN = "clean"
    INFECTED = "infected"
    NOT_SCANNED = "not_scanned"


@dataclass(frozen=True, slots=True)
class Scan:
    """``detail``: the virus' name, or why nothing was scanned."""

    verdict: Verdict
    detail: str = ""


def scan(chunks: Iterable[bytes], *, address: str | None, timeout: float = 30.0) -> Scan:
    """What clamd says about these bytes. ``address``: ``host:port``, ``/path/of/socket`` or nothing configured."""
    if not address:
        return Scan(Verdict.NOT_SCANNED, "no scanner is configured")
    try:
        with _connected(address, timeout) as link:
            link.sendall(b"zINSTREAM\0")
            for chunk in chunks:
                for start in range(0, len(chunk), _PIECE):
                    piece = chunk[start : start + _PIECE]
                    link.sendall(struct.pack(">I", len(piece)) + piece)
            link.sendall(struct.pack(">I", 0))
            answer = b""
            while not answer.endswith(b"\0") and (part := link.recv(4096)):
                answer += part
    except (OSError, ValueError) as error:
        return Scan(Verdict.NOT_SCANNED, str(error))
    text = answer.rstrip(b"\0").decode(errors="replace").removeprefix("stream: ")
    if text == "OK":
        return Scan(Verdict.CLEAN)
    if text.endswith(" FOUND"):
        return Scan(Verdict.INFECTED, text.removesuffix(" FOUND"))
    return Scan(Verdict.NOT_SCANNED, text or "no answer")


def _connected(address: str, timeout: float) -> socket.socket:
    if address.startswith("/"):
        link = socket.socket(socket.AF_UNIX)
        try:
            link.settimeout(timeout)
            link.connect(address)
        except OSError:
            link.close()
            raise
        return link
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout)
