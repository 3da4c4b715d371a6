"""Which web pages may call from a browser (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol).

A page has nothing that it was not given: it must bring a key, for the cookies of sessions are not told to be sent along
(``Access-Control-Allow-Credentials``). So pages of this machine and
of desktop programs may call as they may call Ollama, whose list this is (its `envconfig.AllowedOrigins`); others where
the owner says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Web views of desktop programs have a scheme of their own in place of http.
_LOCAL = r"https?://(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0)(?::\d+)?|(?:app|file|tauri|vscode-webview|vscode-file)://.*"
# A page sends one origin all its life; what is remembered is bounded all the same, for it comes from clients.
_REMEMBERED = 256

EVERY = "*"


class Origins:
    """The origins of pages that may call. ``more`` are the owner's: exact ones, or `EVERY`."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        more = frozenset(more)
        self.pattern = ".*" if EVERY in more else "|".join([_LOCAL, *map(re.escape, sorted(more))])
        self._allowed = re.compile(self.pattern)
        self._fields: dict[bytes, bytes] = {}

    def fields(self, origin: bytes) -> bytes:
        """The header lines of an answer to a page of ``origin``: that it may read it, or nothing."""
        found = self._fields.get(origin)
        if found is None:
            if len(self._fields) >= _REMEMBERED:
                self._fields.clear()
            found = self._fields[origin] = self._made(origin)
        return found

    def _made(self, origin: bytes) -> bytes:
        # The parser lets no control character into a value; what else is no ASCII is no origin.
        if not origin.isascii() or self._allowed.fullmatch(origin.decode("ascii")) is None:
            return b""
        return b"access-control-allow-origin: %b\r\naccess-control-expose-headers: *\r\nvary: origin\r\n" % origin
