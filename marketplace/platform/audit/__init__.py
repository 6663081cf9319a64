"""The audit log: an RFC 6962 Merkle tree appended in the same transaction as each change (sealing.md §2)."""

from marketplace.platform.audit.models import AuditCheckpoint, AuditDetail, AuditHead, AuditLeaf, AuditNode
from marketplace.platform.audit.service import (
    Leaf,
    append,
    configure,
    erase_details,
    note_read,
    timestamp,
    write_pending,
)

__all__ = [
    "AuditCheckpoint",
    "AuditDetail",
    "AuditHead",
    "AuditLeaf",
    "AuditNode",
    "Leaf",
    "append",
    "configure",
    "erase_details",
    "note_read",
    "timestamp",
    "write_pending",
]
