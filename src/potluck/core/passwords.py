"""Which passwords may be chosen: NIST SP 800-63B, 3.1.1.2. Long enough, and not among the first that anybody would try;
no rules of what must be in them, which only make people write the same ones down."""

from __future__ import annotations

import unicodedata
from typing import Final, NamedTuple

from potluck.core.errors import BadRequest
from potluck.core.people import folded

SHORTEST: Final = 8
LONGEST: Final = 1024
"""In characters. A bound at all, so that nobody has megabytes hashed."""

# The heads of every published list of stolen passwords, of those that are long enough to be taken at all.
_WORST_WORDS: Final = (
    "password passwort password1 password12 password123 passwort1 passw0rd p@ssw0rd p@ssword 12345678 123456789 "
    "1234567890 12345678910 123123123 87654321 987654321 0123456789 11111111 00000000 88888888 1q2w3e4r 1q2w3e4r5t "
    "1qaz2wsx qwertyui qwertyuiop qwerty123 qwertz123 qwertzui qwertzuiop qwer1234 asdfghjk asdfghjkl asdf1234 "
    "abcdefgh abcd1234 abc12345 a1b2c3d4 iloveyou iloveyou1 sunshine princess football baseball welcome1 welcome123 "
    "trustno1 superman batman123 letmein1 letmein123 changeme changeme1 change-me changeit admin123 admin1234 "
    "administrator default1 secret123 topsecret testtest test1234 computer internet michael1 jennifer charlie1 "
    "starwars whatever dragon123 monkey123 master123 pokemon1 killer123 hallo123 schatz123 passwort123 potluck1 "
    "potluck123 potluckpotluck"
)
_WORST: Final = frozenset(_WORST_WORDS.split())


def prepared(password: str) -> str:
    """A password as it is hashed: keyboards and systems write one letter in several ways (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def checked_password(password: str, name: str, param: str = "password") -> str:
    """A password that ``name`` wants, as it is hashed. ``param`` is the field that it came in.

    Raises `BadRequest`, which does not repeat it.
    """
    if len(password) > LONGEST:
        raise _refused(param, f"A password has up to {LONGEST} characters.", "Take a shorter one.")
    password = prepared(password)
    if len(password) < SHORTEST:
        raise _refused(param, f"A password has at least {SHORTEST} characters.", "Four words in a row do well.")
    plain = folded(password)
    if plain in _WORST or len(set(plain)) == 1:
        raise _refused(param, "This password is among the first that anybody tries.", "Take another one.")
    if plain == folded(name):
        raise _refused(param, "The name is no password.", "Take another one.")
    return password


def _refused(param: str, message: str, hint: str) -> BadRequest:
    return BadRequest(message, param=param, hint=hint)


class Cost(NamedTuple):
    """What one hash takes (Argon2id, RFC 9106): passes over so much memory, by so many threads."""

    passes: int
    memory_kib: int
    lanes: int


# RFC 9106, section 4, the second recommended choice; and OWASP's for machines that have not got 128 MiB to spare.
_USUAL: Final = Cost(3, 65_536, 4)
_SMALL: Final = Cost(2, 19_456, 1)
_SMALL_BYTES: Final = 1_500_000_000


def cost_for(memory_bytes: int) -> Cost:
    """What a hash may take on a machine with so much memory; 0: not known."""
    return _SMALL if 0 < memory_bytes < _SMALL_BYTES else _USUAL
