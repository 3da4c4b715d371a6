from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.answer import Event, Failed, Finish, FinishReason, Reasoning, Text, Usage, collect
from potluck.core.call import InfillCall, Role, Sampling, Snippet
from potluck.core.errors import NodeFailed
from potluck.core.infill import CURSOR, InfillCleaner, instruct

PREFIX = "def add(a, b):\n    total = a + b\n    "
SUFFIX = "\n\n\nprint(add(1, 2))\n"
CALL = InfillCall("m", PREFIX, SUFFIX, language="python", path="add.py")


def run(
    cleaner: InfillCleaner, pieces: Sequence[str], reason: FinishReason = FinishReason.STOP
) -> tuple[str, FinishReason | None]:
    events: list[Event] = []
    for piece in pieces:
        events += cleaner.feed([Text(piece)])
    events += cleaner.feed([Finish(reason), Usage(1, 1)])
    events += cleaner.end()
    assert isinstance(events[-1], Usage)
    assert all(event.text for event in events if isinstance(event, Text))
    choice = collect(events).choices[0]
    return choice.text, choice.finish


def cleaned(answer: str, call: InfillCall = CALL) -> str:
    return run(InfillCleaner.instructed(call), [answer])[0]


# --- the instruction --------------------------------------------------------------------------------------------------


def test_the_model_is_shown_the_file_with_the_cursor_and_told_to_answer_with_code_only() -> None:
    call = InfillCall(
        "m",
        "pre",
        "post",
        prompt="so far",
        language="python",
        path="a.py",
        snippets=(Snippet("b.py", "B"), Snippet("", "C")),
    )
    chat = instruct(call)
    assert [message.role for message in chat.messages] == [Role.SYSTEM, Role.USER]
    assert "code only" in chat.messages[0].text
    shown = chat.messages[1].text
    assert shown.endswith(f"preso far{CURSOR}post")
    for word in ("a.py", "python", "b.py:\nB", "unnamed:\nC"):
        assert word in shown


def test_a_bare_wish_shows_the_file_alone() -> None:
    assert instruct(InfillCall("m", "a", "b")).messages[1].text == f"a{CURSOR}b"


def test_the_instruction_keeps_the_callers_settings_and_is_cool_otherwise() -> None:
    assert instruct(CALL).sampling.temperature == 0.1
    warm = InfillCall("m", "a", "b", sampling=Sampling(temperature=0.7, max_tokens=9, stop=("\n",)))
    assert instruct(warm).sampling == warm.sampling
    assert instruct(CALL).thinking.enabled is False


# --- marker tokens ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("<|fim_middle|>return a", "return a"),
        ("<PRE>return<MID> a<fim_suffix>", "return a"),
        ("return a<|endoftext|>and more", "return a"),
        ("return a<EOT>", "return a"),
        ("x<｜fim▁end｜>", "x"),
        ("  \n  return a\n\n", "  \n  return a\n\n"),
        ("a < b <| c", "a < b <| c"),
        ("if a <", "if a <"),
        ("</s>[SUFFIX]", "</s>[SUFFIX]"),
        ("<|fim_<PRE>middle|>", "<|fim_middle|>"),
        ("", ""),
    ],
)
def test_marker_tokens_go_and_nothing_else(answer: str, code: str) -> None:
    assert run(InfillCleaner.raw(), [answer])[0] == code


def test_fences_and_echoes_are_a_model_that_fills_ins_own_business() -> None:
    answer = f"{PREFIX}```python\nx\n```{SUFFIX}"
    assert run(InfillCleaner.raw(), [answer])[0] == answer


# --- fences -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("return total", "return total"),
        ("    return total\n", "    return total\n"),
        ("\n  return total", "\n  return total"),
        ("```python\nreturn total\n```", "return total"),
        ("```\n    return total\n```\nThis returns the sum.", "    return total"),
        ("Here is the code:\n\n```python\nreturn total\n```\n", "return total"),
        ("Sure. It goes like this\n```py\nreturn total\n```", "return total"),
        ("return total\n```", "return total"),
        ("return total\n```\nThis returns the sum.", "return total"),
        ("return total\n\n```", "return total\n"),
        ("```python\nreturn total", "return total"),
        ("```python\nreturn total\n", "return total\n"),
        ("```python\n```", ""),
        ("```python\n", ""),
        ("```python", ""),
        ("return `x`\n  ``", "return `x`\n  ``"),
        ('return """\n    ```python\n    x\n    ```\n"""', 'return """\n    ```python\n    x\n    ```\n"""'),
    ],
)
def test_fences_and_explanations_go_and_whitespace_stays(answer: str, code: str) -> None:
    assert cleaned(answer) == code


def test_in_markdown_fences_are_text() -> None:
    call = InfillCall("m", "# Title\n", "\n", path="README.md")
    assert cleaned("```sh\nls\n```\n", call) == "```sh\nls\n```\n"
    assert cleaned("```sh\nls\n```\n", InfillCall("m", "", "", language="markdown")) == "```sh\nls\n```\n"


def test_a_fence_late_in_a_long_answer_is_no_opening() -> None:
    code = "x = 1\n" * 60
    assert cleaned(f"{code}```python\ny\n```") == code[:-1]


# --- echoes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "answer", "code"),
    [
        ("def f():\n    return ", "    return a + b", "a + b"),
        ("def f():\n    return ", "return a + b", "a + b"),
        ("def f():\n    return ", "def f():\n    return a + b", "a + b"),
        ("def f():\n    return ", "returned", "returned"),
        ("def f():\n    return", "returned", "returned"),
        ("def f():\n    return", "return a", " a"),
        ("def f():\n    return", "return", ""),
        ("def f():\n    return ", "ret", "ret"),
        ("x = ", "x = 5", "5"),
        ("i", "int", "int"),
        ("", "anything", "anything"),
        ("def f():\n    ", "    return 1", "    return 1"),
        ("def f():\n    ", "\n    return 1", "\n    return 1"),
        ("def f():\n    ", "def f():\n    return 1", "return 1"),
    ],
)
def test_a_repeated_prefix_goes_from_the_start_of_a_line(prefix: str, answer: str, code: str) -> None:
    assert cleaned(answer, InfillCall("m", prefix, "")) == code


@pytest.mark.parametrize(
    ("answer", "reason", "code"),
    [
        ("def f(a, b):\n    ret", FinishReason.LENGTH, ""),
        ("def f(a, b):\n    ret", FinishReason.STOP, "def f(a, b):\n    ret"),
        ("def", FinishReason.LENGTH, "def"),
        ("def g(a, b):", FinishReason.LENGTH, "def g(a, b):"),
    ],
)
def test_a_limit_met_in_the_middle_of_an_echo_leaves_nothing(answer: str, reason: FinishReason, code: str) -> None:
    call = InfillCall("m", "def f(a, b):\n    return ", "")
    assert run(InfillCleaner.instructed(call), [answer], reason) == (code, reason)


def test_the_prompt_counts_as_what_stands_before_the_cursor() -> None:
    assert cleaned("return a + b", InfillCall("m", "def f():\n    ret", "", prompt="urn ")) == "a + b"


def test_an_echo_of_a_long_file_may_begin_at_any_of_the_last_lines() -> None:
    lines = [f"line_{number} = {number}\n" for number in range(200)]
    assert cleaned("".join(lines[-5:]) + "new", InfillCall("m", "".join(lines), "")) == "new"


@pytest.mark.parametrize(
    ("suffix", "answer", "code"),
    [
        (SUFFIX, "return total\n\n\nprint(add(1, 2))\n", "return total"),
        (SUFFIX, "return total\n\n\nprint(add(1, 2))\nand on\n", "return total"),
        (SUFFIX, "return total\n\n\nprint(ad", "return total"),
        (SUFFIX, "return total\n\n\npri", "return total\n\n\npri"),
        (SUFFIX, "return total\n", "return total\n"),
        (")", "a)", "a)"),
        ("\n", "a\n", "a\n"),
        ("y" * 500, "a" + "y" * 200, "a"),
    ],
)
def test_the_code_ends_where_it_begins_to_repeat_the_suffix(suffix: str, answer: str, code: str) -> None:
    assert cleaned(answer, InfillCall("m", "x", suffix)) == code


# --- the stream -------------------------------------------------------------------------------------------------------

ANSWERS = st.one_of(
    st.text("`\n a<|>:", max_size=40),
    st.lists(
        st.sampled_from(
            [
                "```", "```python\n", "\n```", "\n", " ", "    ", "return total", "Here you are:\n", PREFIX, SUFFIX,
                "    total = a + b\n    ", "\n\n\nprint(", "<|fim_middle|>", "<|endoftext|>", "<EOT", "<|fim_", "`",
                "x" * 130,
            ]
        ),
        max_size=8,
    ).map("".join),
)  # fmt: skip


@given(ANSWERS, st.lists(st.integers(0, 400), max_size=6), st.booleans())
def test_where_the_stream_is_cut_does_not_matter(answer: str, cuts: list[int], instructed: bool) -> None:
    def cleaner() -> InfillCleaner:
        return InfillCleaner.instructed(CALL) if instructed else InfillCleaner.raw()

    places = [0, *sorted(min(cut, len(answer)) for cut in cuts), len(answer)]
    pieces = [answer[a:b] for a, b in pairwise(places)]
    assert run(cleaner(), pieces) == run(cleaner(), [answer])
    assert run(cleaner(), list(answer)) == run(cleaner(), [answer])


@given(st.text("ab \n(){}=;", max_size=300))
def test_plain_code_comes_out_as_it_went_in(answer: str) -> None:
    assert cleaned(answer, InfillCall("m", "import sys\n", "\nsys.exit(main())\n")) == answer
    assert run(InfillCleaner.raw(), [answer])[0] == answer


def test_little_is_held_back() -> None:
    cleaner = InfillCleaner.instructed(CALL)
    line = "value = compute(value)\n"
    come = "".join(event.text for _ in range(100) for event in cleaner.feed([Text(line)]) if isinstance(event, Text))
    assert len(line) * 100 - len(come) < 50
    raw = InfillCleaner.raw()
    assert raw.feed([Text("return 1")]) == [Text("return 1")]


def test_an_answer_that_ran_on_after_its_end_was_not_cut_short() -> None:
    cleaner = InfillCleaner.instructed(CALL)
    assert run(cleaner, ["```\nx\n```", "\nbla"], FinishReason.LENGTH) == ("x", FinishReason.STOP)
    assert run(InfillCleaner.instructed(CALL), ["x"], FinishReason.LENGTH) == ("x", FinishReason.LENGTH)


def test_other_events_pass_and_choices_are_kept_apart() -> None:
    cleaner = InfillCleaner.instructed(CALL)
    failed = Failed(NodeFailed("broken"))
    assert cleaner.feed([Reasoning("hm"), Text("a", 0), Text("b", 1), failed]) == [Reasoning("hm"), failed]
    assert cleaner.feed([Finish(FinishReason.STOP, 1)]) == [Text("b", 1), Finish(FinishReason.STOP, 1)]
    assert cleaner.end() == [Text("a", 0)]
    assert cleaner.feed([Finish(FinishReason.STOP)]) == [Finish(FinishReason.STOP)]
