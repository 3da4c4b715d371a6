"""A node agent, asked over HTTP for its reading."""

from __future__ import annotations

from typing import Final

from potluck.backends.port import EngineHttp
from potluck.core.errors import NodeFailed
from potluck.core.reading import Reading
from potluck.wire.agent import read_reading

# It answers from memory: who takes longer has other troubles.
_PATIENCE_S: Final = 5.0


class HttpAgent:
    """One agent. ``http`` carries its key."""

    def __init__(self, http: EngineHttp) -> None:
        self._http = http

    async def reading(self) -> Reading:
        """What its machine has left. Raises `NodeError` with words for the owner."""
        reply = await self._http.request("GET", "/reading", timeout_s=_PATIENCE_S)
        if reply.status == 401:
            raise NodeFailed("The agent wants another key: 'api_key' under the node's 'agent'.", status=401)
        if reply.status != 200:
            raise NodeFailed(f"The agent answers with status {reply.status}.", status=reply.status)
        return read_reading(reply.body)
