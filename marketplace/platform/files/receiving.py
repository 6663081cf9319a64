"""One uploaded file: its name made safe, its kind checked, its bytes stored; what cannot be taken is a sentence."""

from __future__ import annotations

from typing import BinaryIO, NamedTuple, Protocol

from marketplace.platform.errors import Refused, Sentence
from marketplace.platform.files.kinds import BadFile, check
from marketplace.platform.files.names import safe_name
from marketplace.platform.files.storage import Storage, Stored, TooLarge, chunks_of


class Upload(Protocol):
    """As a form gives it."""

    filename: str | None
    stream: BinaryIO


class Received(NamedTuple):
    stored: Stored
    name: str
    media_type: str


def receive(upload: Upload, *, storage: Storage, limit: int, field: str = "files") -> Received:
    """Check and store it. Refused with the file's name and the reason, told beside ``field``."""
    name = safe_name(upload.filename or "")
    try:
        kind = check(name, upload.stream)
        upload.stream.seek(0)
        stored = storage.put(chunks_of(upload.stream), limit=limit)
    except (BadFile, TooLarge) as error:
        sentence = Sentence("“%(name)s”：%(why)s", name=name, why=error)
        raise Refused(sentence, fields={field: sentence}) from None
    return Received(stored, name, kind.mime)
