from __future__ import annotations

from itertools import product

from potluck.core.tool_ids import made_up_id


def test_ids_look_like_ollamas_and_stay_the_same() -> None:
    assert made_up_id(0, 0, "f") == made_up_id(0, 0, "f")
    assert len(made_up_id(0, 0, "f")) == len("call_") + 8


def test_another_turn_place_name_or_arguments_is_another_id() -> None:
    inputs = product(range(3), range(3), ("f", "g"), ("", "{}", "\ud800"))
    ids = [made_up_id(*one) for one in inputs]
    assert len(set(ids)) == len(ids)
