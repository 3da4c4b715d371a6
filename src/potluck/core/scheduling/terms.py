"""The figures of one choice: what a call costs on a lane, as a line over its prompt's length.

A cost is in limits: 1 is a call that takes all the time its class allows. What depends on nothing but rates, class
and how many run is computed once (`terms`) and kept; what is left for each call is a few multiplications.
"""

from __future__ import annotations

from dataclasses import dataclass

from potluck.core.scheduling.asks import Place
from potluck.core.scheduling.classes import Standard
from potluck.core.scheduling.rates import Rates

# While neighbours decode, reading a prompt takes a third longer.
_PREFILL_CROWD = 1 / 3
# However much was sent already, a quarter of a mean answer may still come.
_LEAST_REST = 0.25
# What quiet calls pay to sit on the largest node, in limits: so much worse may a smaller one be.
_BULK_COST = 0.5


@dataclass(slots=True, eq=False)
class Terms:
    """Never changed once made. ``base`` and ``slope`` are the call's own cost, ``harm_*`` the delay to neighbours.

    ``own_decode_s`` is the decoding alone on the machine, ``decode_s`` as it will be.
    """

    lane: Place
    base: float
    slope: float
    harm_base_s: float
    harm_slope_s: float
    own_decode_s: float
    token_s: float
    prefill_token_s: float
    decode_s: float
    per_first: float
    per_finish: float

    def service_s(self, prompt_tokens: float) -> float:
        """From its start to its end."""
        return self.token_s + self.prefill_token_s * prompt_tokens + self.decode_s

    def first_s(self, prompt_tokens: float) -> float:
        """From its start to its first token."""
        return self.token_s + self.prefill_token_s * prompt_tokens


def terms(
    rates: Rates, learned: float, standard: Standard, running: int, share: int, *, sent: int, bulk: float, lane: Place
) -> Terms:
    """The terms of one more call beside ``running`` of its model and ``share - 1`` other models."""
    token_s = 1 / (rates.decode_tps * learned)
    prefill_s = 1 / (rates.prefill_tps * learned)
    expected = standard.answer_tokens
    rest = max(expected - sent, _LEAST_REST * expected) if sent else expected
    own_decode_s = max(0.0, rest - 1) * token_s
    decode_s = own_decode_s * (1 + rates.batching * running) * share
    prefill_token_s = prefill_s * (share + (_PREFILL_CROWD if running else 0.0))
    per_first = 0.0 if sent else standard.per_first
    base = token_s * per_first + (token_s + decode_s) * standard.per_finish
    return Terms(
        lane,
        base + (_BULK_COST * bulk if standard.quiet else 0.0),
        prefill_token_s * (per_first + standard.per_finish),
        own_decode_s * rates.batching,
        prefill_s,
        own_decode_s,
        token_s,
        prefill_token_s,
        decode_s,
        per_first,
        standard.per_finish,
    )
