"""Uploaded and generated files: names made safe, kinds checked against an allow-list, bytes stored by their SHA-256."""

from marketplace.platform.files.kinds import (
    ALLOWED,
    ARCHIVES,
    DOCUMENTS,
    IMAGES,
    KINDS,
    BadFile,
    Kind,
    check,
    check_bytes,
)
from marketplace.platform.files.names import extension, safe_name, tricks_in
from marketplace.platform.files.receiving import Received, receive
from marketplace.platform.files.scanner import Scan, Verdict, scan
from marketplace.platform.files.storage import (
    Damaged,
    LocalStorage,
    Missing,
    ObjectStorage,
    Storage,
    Stored,
    TooLarge,
    chunks_of,
    put_bytes,
    read,
    storage_from,
)

__all__ = [
    "ALLOWED",
    "ARCHIVES",
    "DOCUMENTS",
    "IMAGES",
    "KINDS",
    "BadFile",
    "Damaged",
    "Kind",
    "LocalStorage",
    "Missing",
    "ObjectStorage",
    "Received",
    "Scan",
    "Storage",
    "Stored",
    "TooLarge",
    "Verdict",
    "check",
    "check_bytes",
    "chunks_of",
    "extension",
    "put_bytes",
    "read",
    "receive",
    "safe_name",
    "scan",
    "storage_from",
    "tricks_in",
]
