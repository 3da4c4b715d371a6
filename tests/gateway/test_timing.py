"""What an answer tells of its engine's speed."""

from __future__ import annotations

import pytest

from potluck.core.answer import Timings, Usage
from potluck.core.scheduling.rates import Timing
from potluck.gateway.timing import timing_of
from potluck.wire.port import Account

TOLD = Account(Usage(prompt=100, completion=50, cached=40), Timings(load_s=3.0, prefill_s=0.5, decode_s=2.0))
LLAMACPP = Account(Usage(prompt=100, completion=50), Timings(prefill_s=0.5, decode_s=2.0, read_tokens=100))
OLLAMA = Account(Usage(prompt=100, completion=50), Timings(prefill_s=0.5, decode_s=2.0))


def doubted(prompt: int, prefill_s: float, answer: int = 0, decode_s: float = 0.0) -> Timing:
    return Timing(prompt, prefill_s, answer, decode_s, maybe_cached=True)


@pytest.mark.parametrize(
    ("account", "first_s", "rest_s", "loads", "timing"),
    [
        pytest.param(TOLD, 9.0, 9.0, False, Timing(60, 0.5, 50, 2.0), id="the engine knows best"),
        pytest.param(TOLD, 9.0, 9.0, True, Timing(60, 0.5, 50, 2.0, 3.0), id="a load counts where there was one"),
        pytest.param(LLAMACPP, 9.0, 9.0, False, Timing(100, 0.5, 50, 2.0), id="what it read is told"),
        pytest.param(OLLAMA, 9.0, 9.0, False, doubted(100, 0.5, 50, 2.0), id="what was cached is not told"),
        pytest.param(Account(Usage(100, 51)), 1.0, 2.0, False, doubted(100, 1.0, 50, 2.0), id="by our clock"),
        pytest.param(
            Account(Usage(100, 51)), 9.0, 2.0, True, doubted(100, 0.0, 50, 2.0), id="a load hides the reading"
        ),
        pytest.param(Account(text_bytes=204), 1.0, 2.0, False, doubted(7, 1.0, 50, 2.0), id="by the text's length"),
        pytest.param(Account(Usage(100)), 1.0, 0.0, False, doubted(100, 1.0), id="embeddings are all reading"),
        pytest.param(Account(Usage(10, 50)), 3.0, 0.0, False, Timing(0, 0.0, 50, 3.0), id="a whole text"),
        pytest.param(Account(Usage(900, 5)), 3.0, 0.0, False, None, id="a whole text after a long prompt"),
        pytest.param(Account(Usage(10, 50)), 9.0, 0.0, True, None, id="a whole text after a load"),
        pytest.param(Account(Usage(10, 50), Timings()), 3.0, 0.0, False, Timing(0, 0.0, 50, 3.0), id="empty timings"),
    ],
)
def test_what_an_answer_tells(
    account: Account, first_s: float, rest_s: float, loads: bool, timing: Timing | None
) -> None:
    assert timing_of(account, prompt_tokens=7, first_s=first_s, rest_s=rest_s, loads=loads) == timing
