"""The 单位标书钥匙 of a demo organisation: derived from its name, so that the demo's own bids can be read again.

Pages show it in demo mode alone. A real organisation's key is random and never comes near the server.
"""

from __future__ import annotations

import hashlib

from marketplace.accounts.models import Organisation
from marketplace.custody import software
from marketplace.platform.sealing.orgkey import OrganisationKey

_BITS = 125


def demo_key(organisation: Organisation) -> OrganisationKey | None:
    """``None`` outside the demo."""
    if not software.keyring().demo:
        return None
    digest = hashlib.sha256(f"zhangbang-demo|{organisation.slug}".encode()).digest()
    return OrganisationKey((int.from_bytes(digest, "big") >> (256 - _BITS)).to_bytes(16, "big"))
