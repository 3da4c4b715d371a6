"""How a gateway and a node agent show each other that they have the same key, without sending it.

A gateway that looks for machines asks strangers. Were it to show its key to them, whoever answers on the agent's port
would have it. So the one that asks sends a fresh nonce with a code over it, and the agent answers with another.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

SCHEME: Final = "proof"
"""The scheme in ``Authorization``: ``Proof NONCE.CODE``."""

NONCE_BYTES: Final = 16
"""How many random bytes make a nonce."""


def asking(key: str, nonce: str) -> str:
    """What follows `SCHEME` in the header of the one that asks; ``nonce`` is hexadecimal, and new each time."""
    return f"{nonce}.{_code(key, 'ask', nonce)}"


def asked(key: str, credentials: str) -> str:
    """The nonce that an agent was asked with; empty if the asker does not have the ``key``."""
    nonce, _, code = credentials.partition(".")
    fits = bool(nonce) and hmac.compare_digest(code.encode("utf-8", "replace"), _code(key, "ask", nonce).encode())
    return nonce if fits else ""


def answering(key: str, nonce: str, machine: str) -> str:
    """The agent's proof that it has the ``key`` and says of itself that it is this ``machine``."""
    return _code(key, "answer", nonce, machine)


def proves(key: str, nonce: str, machine: str, proof: str) -> bool:
    """Whether the one that answered has the ``key``."""
    return hmac.compare_digest(answering(key, nonce, machine).encode(), proof.encode("utf-8", "replace"))


def _code(key: str, *words: str) -> str:
    told = "\n".join(("potluck", *words)).encode("utf-8", "replace")
    return hmac.new(key.encode(), told, hashlib.sha256).hexdigest()
