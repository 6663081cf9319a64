"""Part 0 of an envelope, ``form.json``: what was typed, the list of files, and the salts of their commitments.

    salt (32 bytes) ‖ length of the JSON (4 bytes, big-endian) ‖ JSON ‖ zeros up to a multiple of 16 KiB

The salts make commitments hide what they fix, also for a price of six digits, and they lie inside the ciphertext.
The first 32 bytes are the salt of this part itself, so its commitment is the SHA-256 of the whole frame; that of a
file is SHA-256(its salt ‖ its plaintext).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.wire import is_count, is_hex

FORM_STEP = 16 * 1024
FORM_LIMIT = 1 << 20
"""A frame fits into one chunk."""

COMMIT_SALT_SIZE = 32
_PREFIX = COMMIT_SALT_SIZE + 4
_NAME_LIMIT = 255


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One file of an envelope. ``media_type`` is what the bidder's machine says; it is checked at the opening."""

    part: int
    name: str
    media_type: str
    size: int
    salt: str
    """Hex of the 32 bytes before the plaintext in its commitment."""

    role: str = ""
    """Which field of the form it belongs to, e.g. ``plan``; empty for further material."""


@dataclass(frozen=True, slots=True)
class Form:
    """The opened ``form.json``. ``fields`` is read by ``bids.forms``: a mistake in it is a finding, never a refusal."""

    envelope: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[SealedFile] = ()


def frame(form: Form) -> bytes:
    """The plaintext of part 0, under a fresh salt."""
    document = {
        "format": "jbs1-form",
        "envelope": form.envelope,
        "fields": dict(form.fields),
        "files": [
            {"part": f.part, "name": f.name, "type": f.media_type, "size": f.size, "salt": f.salt, "role": f.role}
            for f in form.files
        ],
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    length = -(-(_PREFIX + len(text)) // FORM_STEP) * FORM_STEP
    if length > FORM_LIMIT:
        raise SealError(Reason.PART_LIMITS, "表单内容超过1 MiB")
    return (os.urandom(COMMIT_SALT_SIZE) + len(text).to_bytes(4, "big") + text).ljust(length, b"\0")


def unframe(plaintext: bytes, *, envelope: str) -> Form:
    """The form of a frame; ``FORM_UNREADABLE`` where the salts of the other parts cannot be had from it."""
    size = int.from_bytes(plaintext[COMMIT_SALT_SIZE:_PREFIX], "big")
    end = _PREFIX + size
    if not plaintext or len(plaintext) % FORM_STEP or end > len(plaintext) or any(plaintext[end:]):
        raise SealError(Reason.FORM_UNREADABLE, "封装")
    try:
        document = json.loads(plaintext[_PREFIX:end].decode())
    except (ValueError, RecursionError) as error:
        raise SealError(Reason.FORM_UNREADABLE, "JSON") from error
    if not isinstance(document, dict) or document.get("format") != "jbs1-form" or document.get("envelope") != envelope:
        raise SealError(Reason.FORM_UNREADABLE, "格式")
    fields, files = document.get("fields"), document.get("files")
    if not isinstance(fields, dict) or not isinstance(files, list):
        raise SealError(Reason.FORM_UNREADABLE, "字段")
    return Form(envelope, fields, tuple(_read_file(item) for item in files))


def _is_label(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= _NAME_LIMIT


def _read_file(item: object) -> SealedFile:
    if not isinstance(item, dict):
        raise SealError(Reason.FILE_LIST)
    part, size, salt = item.get("part"), item.get("size"), item.get("salt")
    name, media_type, role = item.get("name"), item.get("type", ""), item.get("role", "")
    if not (is_count(part, least=1) and is_count(size) and is_hex(salt, COMMIT_SALT_SIZE)):
        raise SealError(Reason.FILE_LIST)
    if not (_is_label(name) and _is_label(media_type) and _is_label(role) and name):
        raise SealError(Reason.FILE_LIST)
    return SealedFile(part, name, media_type, size, salt, role)
