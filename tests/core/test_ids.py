from __future__ import annotations

import os
import re

from potluck.core.ids import Ids


def test_an_id_is_32_hex_digits_and_begins_with_the_time_in_milliseconds() -> None:
    made = Ids(lambda: 1_700_000_000.5, os.urandom)()
    assert re.fullmatch(r"[0-9a-f]{32}", made)
    assert int(made[:12], 16) == 1_700_000_000_500


def test_later_ids_sort_behind_earlier_ones() -> None:
    times = iter([1.0, 1.002, 5.0, 1_700_000_000.0])
    ids = Ids(lambda: next(times), os.urandom)
    made = [ids() for _ in range(4)]
    assert made == sorted(made)


def test_no_chance_is_used_twice() -> None:
    ids = Ids(lambda: 1.0, os.urandom)
    made = [ids() for _ in range(2000)]
    assert len({each[12:] for each in made}) == 2000


def test_chance_is_drawn_for_many_ids_at_once() -> None:
    asked: list[int] = []

    def random_bytes(count: int) -> bytes:
        asked.append(count)
        return bytes(count)

    ids = Ids(lambda: 1.0, random_bytes)
    for _ in range(300):
        ids()
    assert len(asked) == 2
