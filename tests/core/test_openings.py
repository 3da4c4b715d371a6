from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.model import UserId
from potluck.core.openings import NO_OPENING, conversation_name, opening_of_text, opening_of_turns

ANNA, BERT = UserId("anna"), UserId("bert")
TURNS = st.lists(st.tuples(st.sampled_from(["system", "user", "assistant", "tool"]), st.text(max_size=20)), max_size=12)


@given(earlier=TURNS, later=TURNS)
def test_a_conversation_keeps_its_name_through_all_its_turns(
    earlier: list[tuple[str, str]], later: list[tuple[str, str]]
) -> None:
    begun = [*earlier, ("user", "and now?")]
    assert opening_of_turns(begun) == opening_of_turns([*begun, *later])
    assert conversation_name(ANNA, opening_of_turns(begun))


def test_conversations_of_one_agent_are_told_apart_by_their_first_message() -> None:
    instructions = ("system", "You are a coder. " * 5000)
    one, other = (conversation_name(ANNA, opening_of_turns([instructions, ("user", text)])) for text in ("a", "b"))
    assert one != other


def test_nobody_shares_a_name_with_another_user_and_a_name_tells_nothing() -> None:
    opening = opening_of_turns([("user", "secret")])
    assert conversation_name(ANNA, opening) != conversation_name(BERT, opening)
    assert "secret" not in conversation_name(ANNA, opening)


def test_a_file_keeps_its_name_while_somebody_types_at_its_end() -> None:
    file = "import os\n" * 100
    assert opening_of_text(file) == opening_of_text(file + "print(")
    assert opening_of_text(file) != opening_of_text("import re\n" * 100)


def test_what_is_short_is_not_worth_a_name() -> None:
    assert opening_of_text("import os") == NO_OPENING
    assert conversation_name(ANNA, NO_OPENING) == ""


def test_however_long_the_messages_little_of_them_is_looked_at() -> None:
    opening = opening_of_turns(("system", "x" * 10**6) for _ in range(100))
    assert sum(map(len, opening)) < 20_000
