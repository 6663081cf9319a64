"""Who may open which part of the administration. Pure."""

from __future__ import annotations

from datetime import timedelta

from marketplace.accounts.rules import auditadmin, secadmin, supervisor, sysadmin
from marketplace.platform import policy

GRANTS = policy.declare({"admin.see": [[secadmin], [sysadmin], [auditadmin], [supervisor]]})

INVITATION_LIFE = timedelta(days=7)

# Who bids is nobody's to know before the opening, the readers of the log included (sealing.md, head).
SEALED_KINDS = ("bid.", "receipt.")
