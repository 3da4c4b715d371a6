from __future__ import annotations

from potluck.core.meant import others


def test_what_is_near_is_asked_for_each_name_once() -> None:
    assert others("agx", ["agx0", "agx0", "orin0"]) == "Did you mean agx0?"


def test_where_nothing_is_near_all_are_named_once_and_none_is_said() -> None:
    assert others("pi", ["agx0", "orin0", "agx0"]) == "There are: agx0, orin0."
    assert others("pi", []) == "There are: none."
