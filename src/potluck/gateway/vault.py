"""Secrets that must be read again, encrypted with a key that does not lie beside them; and signatures by that key.

Who steals the database alone has nothing of them. The key is the configuration's, or a file of the data directory.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from potluck.core.errors import OperatorError

_NONCE_BYTES = 12  # AES-GCM's own size


class Vault:
    """``key`` gives the secret when it is first needed; ``random_bytes`` is a cryptographic source."""

    def __init__(self, key: Callable[[], bytes], random_bytes: Callable[[int], bytes]) -> None:
        self._key = key
        self._random_bytes = random_bytes
        self._derived: dict[str, bytes] = {}

    def locked(self, secret: bytes, whose: str) -> bytes:
        """``secret`` encrypted (AES-256-GCM) for ``whose``: in another's place it does not open."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - 5 MB that few need

        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._for("lock")).encrypt(nonce, secret, whose.encode())

    def opened(self, locked: bytes, whose: str) -> bytes:
        """What `locked` was given. Raises `OperatorError` if it was with another key, or for somebody else."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above

        try:
            return AESGCM(self._for("lock")).decrypt(locked[:_NONCE_BYTES], locked[_NONCE_BYTES:], whose.encode())
        except (InvalidTag, ValueError) as error:
            raise OperatorError(
                "The second factor cannot be read: it was kept with another key.",
                hint="Bring back secret.key of the data directory or access.secret_key, or remove the second factor.",
            ) from error

    def signature(self, text: str) -> str:
        """64 hex digits that nobody else can make of ``text``."""
        return hmac.new(self._for("sign"), text.encode(), hashlib.sha256).hexdigest()

    def _for(self, purpose: str) -> bytes:
        """A key for one purpose only: 32 bytes of HMAC-SHA256 over its name."""
        found = self._derived.get(purpose)
        if found is None:
            found = self._derived[purpose] = hmac.new(self._key(), purpose.encode(), hashlib.sha256).digest()
        return found
