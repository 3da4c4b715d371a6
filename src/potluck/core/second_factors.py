"""Codes of an authenticator (RFC 6238), and codes on paper that stand in for it."""

from __future__ import annotations

from collections.abc import Iterable
from hmac import compare_digest
from typing import Final

STEP_S: Final = 30
"""How long one code is shown."""

CODES: Final = 10
"""How many recovery codes there are at first."""

RECOVERY_BYTES: Final = 10
"""How many random bytes `recovery_code` wants: more than anybody tries all of, who has stolen their digests."""

# Clocks differ, and typing takes time: the code before and the one after are taken, too (RFC 6238, 5.2).
_EITHER_SIDE: Final = 1

# Crockford's base 32: no letter that looks like a digit.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_READ_AS: Final = str.maketrans("oil", "011")
_GROUP: Final = 4


def steps_at(now_s: float) -> Iterable[int]:
    """The steps whose codes are taken at a time, in Unix seconds; the likeliest first."""
    current = int(now_s // STEP_S)
    return (current, current - _EITHER_SIDE, current + _EITHER_SIDE)


def matching(typed: str, codes: Iterable[tuple[int, str]], last_step: int) -> int | None:
    """The step whose code was typed, of those after ``last_step``: none is taken twice."""
    digits = "".join(typed.split())
    found = None
    for step, code in codes:
        # Each is compared, to the last digit: how long it takes tells nothing.
        if compare_digest(digits.encode(), code.encode()) and step > last_step and found is None:
            found = step
    return found


def recovery_code(random: bytes) -> str:
    """A recovery code as it is shown, from `RECOVERY_BYTES` bytes of a cryptographic source.

    >>> recovery_code(bytes(range(10)))
    '000g-40r4-0m30-e209'
    """
    number, letters = int.from_bytes(random, "big"), ""
    for _ in range(len(random) * 8 // 5):
        number, digit = divmod(number, 32)
        letters = _ALPHABET[digit] + letters
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def read_recovery_code(typed: str) -> str:
    """A recovery code as it was made, however it was typed."""
    letters = "".join(char for char in typed.lower() if char.isalnum()).translate(_READ_AS)
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))
