"""Where a request came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def address_of(scope: Mapping[str, Any]) -> str:  # ASGI's scope
    """The client's address, behind proxies that the owner named, once `auth.RequireKey` has looked; before that the
    other end of the connection. Empty if nothing tells."""
    if known := scope.get("state", {}).get("address", ""):
        return str(known)
    client = scope.get("client")
    return str(client[0]) if client else ""
