"""Routes of the dialects, each with the right that it asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from potluck.core.people import Right
from potluck.gateway.port import Caller

PUBLIC = None
"""In place of a right: for everybody, without a key. `auth.PUBLIC_PATHS` lists the same paths."""


class Guarded(Route):
    """A route that is for callers with a right."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response]],
        *,
        right: Right | None,
        methods: Sequence[str],
    ) -> None:
        super().__init__(path, endpoint, methods=list(methods))
        self.right = right

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.right is not None:
            caller: Caller = scope["state"]["caller"]
            if not caller.may(self.right):
                raise caller.refusal(self.right)
        await super().handle(scope, receive, send)
