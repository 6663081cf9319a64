"""Keys that lie on the server: the software custodian of level 1-of-1, and in demo mode those of the demo custodians.

They exist so that a demo runs by itself. They lie in the key folder (0700), never in a backup, and protect against
nobody who can read that folder: the pages say so wherever such a set is named.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from marketplace.custody.rules import SOFTWARE_ID
from marketplace.platform.sealing.custodians import Custodian
from marketplace.platform.sealing.hpke import generate_private_key, public_bytes
from marketplace.platform.sealing.wire import KEY_SIZE

DEMO_PASSPHRASE = "zhangbang-demo-2026"  # noqa: S105  (printed on the demo's sign-in page)


@dataclass(frozen=True, slots=True)
class Keyring:
    """Where server-side keys lie; ``demo``: whether demo custodians may be enrolled by the platform."""

    folder: Path
    demo: bool

    def key(self, name: str) -> EllipticCurvePrivateKey:
        """The key of that name, made (0600) at the first use."""
        key = load_der_private_key(self._kept(f"custodian_{name}.der", _new_key), password=None)
        assert isinstance(key, EllipticCurvePrivateKey)
        return key

    def storage_key(self) -> bytes:
        """What opened bids are encrypted under again: 32 bytes, so that a stolen database or backup reads nothing."""
        return self._kept("storage.key", lambda: os.urandom(KEY_SIZE))

    def _kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        path = self.folder / name
        if not path.exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = self.folder / f"{name}.{os.getpid()}.{threading.get_ident()}"
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(make())
                os.fsync(stream.fileno())
            try:
                os.link(temporary, path)  # never replaces a key that another process made meanwhile
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
        return path.read_bytes()

    def software_custodian(self) -> Custodian:
        return Custodian(SOFTWARE_ID, public_bytes(self.key(SOFTWARE_ID)))


def _new_key() -> bytes:
    return generate_private_key().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


_keyring: Keyring | None = None


def configure(folder: Path, *, demo: bool) -> None:
    """Say where server-side keys lie; called once per process."""
    global _keyring
    _keyring = Keyring(folder, demo)


def keyring() -> Keyring:
    assert _keyring is not None, "custody.software.configure() has not run"
    return _keyring
