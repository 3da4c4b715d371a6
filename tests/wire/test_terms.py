from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import BadRequest
from potluck.core.scheduling.classes import Kind
from potluck.wire.terms import NO_TERMS, TERMS, Terms, read_terms


@pytest.mark.parametrize("kind", Kind)
def test_a_client_may_say_what_class_a_call_is(kind: Kind) -> None:
    assert read_terms([(b"x-potluck-class", f" {kind.value.upper()} ".encode())]) == Terms(kind)


@pytest.mark.parametrize("value", [b"", b"urgent", b"\xff", b"chat,batch", b"x" * 1000])
def test_a_class_that_nobody_knows_is_refused_with_those_that_are_known(value: bytes) -> None:
    with pytest.raises(BadRequest, match="Known are completion, chat, big-chat, review, image, background, batch") as e:
        read_terms([(b"x-potluck-class", value)])
    assert len(str(e.value)) < 200


@pytest.mark.parametrize(("value", "wait_s"), [(b"20", 20.0), (b" 2.5 ", 2.5), (b"1e3", 1000.0)])
def test_a_client_may_say_how_long_it_waits(value: bytes, wait_s: float) -> None:
    assert read_terms([(b"x-potluck-deadline-s", value)]) == Terms(wait_s=wait_s)


@pytest.mark.parametrize("value", [b"", b"0", b"-1", b"nan", b"inf", b"soon", b"10s"])
def test_a_deadline_that_is_none_is_refused(value: bytes) -> None:
    with pytest.raises(BadRequest, match="Write seconds above 0"):
        read_terms([(b"x-potluck-deadline-s", value)])


@pytest.mark.parametrize("name", [b"x-stainless-read-timeout", b"x-stainless-timeout"])
@pytest.mark.parametrize(
    ("value", "wait_s"), [(b"600", 599.0), (b"1", 0.5), (b"NOT_GIVEN", None), (b"None", None), (b"-3", None)]
)
def test_an_sdks_own_timeout_is_a_deadline_just_before_it(name: bytes, value: bytes, wait_s: float | None) -> None:
    terms = read_terms([(name, value)])
    assert terms == Terms(silence_s=wait_s)
    assert terms.deadline_s(100.0, heard_within_s=None) == (None if wait_s is None else 100.0 + wait_s)


def test_who_hears_something_while_it_waits_does_not_hang_up() -> None:
    terms = Terms(silence_s=20.0)
    assert terms.deadline_s(0.0, heard_within_s=15.0) is None
    assert terms.deadline_s(0.0, heard_within_s=25.0) == 20.0
    assert Terms(wait_s=30.0, silence_s=20.0).deadline_s(0.0, heard_within_s=15.0) == 30.0
    assert NO_TERMS.deadline_s(0.0, heard_within_s=None) is None


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        (b"title_generation", Kind.BACKGROUND),
        (b"Tags_Generation", Kind.BACKGROUND),
        (b"autocomplete_generation", Kind.COMPLETION),
        (b"query_generation", None),
        (b"{{TASK}}", None),
        (b"", None),
    ],
)
def test_open_webuis_tasks_are_known_by_its_header(task: bytes, kind: Kind | None) -> None:
    assert read_terms([(b"x-openwebui-task", task)]) == Terms(kind)
    assert read_terms([(b"x-openwebui-task", task), (b"x-potluck-class", b"chat")]) == Terms(Kind.CHAT)


def test_the_first_deadline_to_pass_counts() -> None:
    both = [(b"x-potluck-deadline-s", b"30"), (b"x-stainless-read-timeout", b"20"), (b"accept", b"x")]
    assert read_terms(both) == Terms(wait_s=30.0, silence_s=19.0)
    assert read_terms(both).deadline_s(1.0, heard_within_s=None) == 20.0


def test_who_says_nothing_has_no_terms() -> None:
    assert read_terms([]) == NO_TERMS
    assert read_terms([(b"accept", b"*/*")]) == NO_TERMS


@given(st.lists(st.tuples(st.sampled_from(sorted(TERMS)), st.binary(max_size=12))))
def test_whatever_is_said_is_terms_or_refused(headers: list[tuple[bytes, bytes]]) -> None:
    try:
        terms = read_terms(headers)
    except BadRequest:
        return
    deadline_s = terms.deadline_s(0.0, heard_within_s=None)
    assert deadline_s is None or deadline_s > 0


def test_the_headers_are_described() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "request-headers.md").read_text()
    assert {name for name in TERMS if f"`{name.decode()}`" not in page} == set()
