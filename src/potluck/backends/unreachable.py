"""Why a machine cannot be reached, in words: the same whoever dials, the relay or aiohttp."""

from __future__ import annotations

import errno
import socket
import ssl


def why_unreachable(error: OSError, who: str = "The engine") -> str:
    """In words for the owner, without the address, which clients may not see. ``who`` is what was dialled."""
    match error:
        case socket.gaierror():
            return f"{who}'s host name is not known."
        case ssl.SSLError() | ssl.CertificateError():
            return f"{who}'s TLS certificate or handshake is not accepted."
        case OSError(errno=errno.ECONNREFUSED):
            return f"{who} refuses connections: nothing listens there."
        case OSError(errno=errno.ECONNRESET):
            return f"{who} closed the connection."
        case OSError(errno=errno.EHOSTUNREACH | errno.ENETUNREACH):
            return f"{who}'s machine cannot be reached."
        case _:
            return f"{who} cannot be reached."
