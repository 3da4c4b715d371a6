"""Where a request came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def address_of(scope: Mapping[str, Any]) -> str:  # ASGI's scope
    """The client's address; empty if nothing tells."""
    client = scope.get("client")
    return str(client[0]) if client else ""
