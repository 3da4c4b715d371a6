"""The audit log's chain: whatever is done to it is found, and what is whole is not accused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.audit import (
    EMPTY,
    MEANINGS,
    Entry,
    Event,
    Fact,
    Fault,
    Head,
    Verdict,
    Verifier,
    bounded,
    canonical,
    chained,
    forgetting,
    read_head,
)
from potluck.core.errors import BadRequest

TEXTS = st.text(max_size=30)
FACTS = st.builds(
    Fact,
    st.sampled_from(Event),
    *[TEXTS] * 5,
    st.dictionaries(st.sampled_from(["count", "role", "for"]), st.one_of(TEXTS, st.integers(0, 2**53)), max_size=3),
).filter(lambda fact: fact.event is not Event.FORGOTTEN)


def chain(facts: Sequence[Fact], last: Head = EMPTY) -> list[Entry]:
    entries: list[Entry] = []
    for number, fact in enumerate(facts):
        entries.append(chained(last, 1000 * number, f"f{last.seq + 1}", bounded(fact)))
        last = entries[-1].head
    return entries


def judged(entries: Sequence[Entry], *anchors: Head, page: int = 100) -> Verdict:
    verifier = Verifier(anchors)
    for at in range(0, len(entries), page):
        verifier.feed(entries[at : at + page])
    return verifier.verdict()


MADE = Fact(Event.USER_MADE, "owner", "owner", "pk-abcdef", "192.0.2.1", "anna", {"role": "member"})
FIVE = chain([replace(MADE, subject=f"user{number}") for number in range(5)])


def test_every_event_says_what_it_means() -> None:
    assert set(MEANINGS) == set(Event)


def test_what_is_hashed_stays_the_same_for_good() -> None:
    """Other people's programs verify old exports: this is the format of docs/guides/audit.md to the byte."""
    assert canonical(3, 1_700_000_000_123, "f3", replace(MADE, subject="ännchen", detail={"b": 1, "a": "x"})) == (
        rb'[1,3,1700000000123,"f3","user.made","owner","owner","pk-abcdef","192.0.2.1","\u00e4nnchen",{"a":"x","b":1}]'
    )
    assert FIVE[0].hash == "f9ed7b24987519cf39df4c46faabd04f9f4dcc35bc6b79cb0b683845f63763d5"
    assert FIVE[0].previous == "0" * 64


@given(st.lists(FACTS, max_size=12), st.integers(1, 5))
def test_a_chain_that_nobody_touched_is_whole(facts: list[Fact], page: int) -> None:
    entries = chain(facts)
    verdict = judged(entries, *[entry.head for entry in entries], page=page)
    assert verdict.whole
    assert verdict.entries == len(facts)
    assert verdict.head == (entries[-1].head if entries else EMPTY)


@given(st.lists(FACTS, min_size=1, max_size=8), st.data())
def test_any_change_of_any_entry_is_found_where_it_was_made(facts: list[Fact], data: st.DataObject) -> None:
    entries = chain(facts)
    at = data.draw(st.integers(0, len(entries) - 1))
    entry = entries[at]
    changed = data.draw(
        st.sampled_from(
            [
                replace(entry, time_ms=entry.time_ms + 1),
                replace(entry, id=entry.id + "x"),
                replace(entry, fact=replace(entry.fact, actor=entry.fact.actor + "x")),
                replace(entry, fact=replace(entry.fact, address=entry.fact.address + "x")),
                replace(entry, fact=replace(entry.fact, detail={**entry.fact.detail, "more": 1})),
                replace(entry, previous="1" * 64),
                replace(entry, previous="none"),
                replace(entry, hash="2" * 64),
            ]
        )
    )
    verdict = judged([*entries[:at], changed, *entries[at + 1 :]])
    assert (verdict.fault, verdict.seq) == (Fault.CHANGED, entry.seq)


def test_an_entry_that_was_taken_out_is_missed() -> None:
    verdict = judged([*FIVE[:2], *FIVE[3:]])
    assert (verdict.fault, verdict.seq, verdict.why) == (
        Fault.MISSING,
        3,
        "Entry 3 is missing: after 2 comes 4.",
    )


def test_entries_in_another_order_are_found() -> None:
    assert judged([FIVE[0], FIVE[2], FIVE[1]]).fault is Fault.MISSING
    assert judged([FIVE[0], FIVE[1], FIVE[0]]).fault is Fault.DISORDER


def test_an_entry_that_was_made_anew_does_not_fit_the_next_one() -> None:
    forged = chained(FIVE[1].head, 2000, "f3", replace(MADE, subject="nobody"))
    verdict = judged([*FIVE[:2], forged, *FIVE[3:]])
    assert (verdict.fault, verdict.seq) == (Fault.BROKEN, 4)


def test_a_log_that_was_made_anew_from_somewhere_on_is_found_by_an_anchor() -> None:
    rest = chain([replace(MADE, subject="nobody")] * 3, FIVE[1].head)
    assert judged([*FIVE[:2], *rest]).whole
    verdict = judged([*FIVE[:2], *rest], FIVE[3].head)
    assert (verdict.fault, verdict.seq) == (Fault.ANCHOR, 4)


def test_a_log_whose_end_was_cut_off_is_found_by_an_anchor() -> None:
    assert judged(FIVE[:3]).whole
    verdict = judged(FIVE[:3], FIVE[0].head, FIVE[4].head)
    assert (verdict.fault, verdict.seq) == (Fault.CUT, 4)
    assert judged([], FIVE[0].head).fault is Fault.CUT


def test_what_was_forgotten_on_purpose_is_told_by_the_chain_itself() -> None:
    kept = [*FIVE[3:], chained(FIVE[4].head, 9000, "f6", forgetting(FIVE[2].head))]
    verdict = judged(kept, FIVE[0].head, FIVE[2].head)
    assert (verdict.whole, verdict.first, verdict.head.seq) == (True, 4, 6)
    assert judged(kept, Head(3, "3" * 64)).fault is Fault.ANCHOR


def test_a_beginning_that_was_cut_off_is_not_taken_for_forgotten() -> None:
    assert judged(FIVE[1:]).fault is Fault.BEGINNING
    more = [*FIVE[3:], chained(FIVE[4].head, 9000, "f6", forgetting(FIVE[1].head))]
    assert judged(more).fault is Fault.BEGINNING
    odd = [*FIVE[3:], chained(FIVE[4].head, 9000, "f6", Fact(Event.FORGOTTEN, detail={"through": "3"}))]
    assert judged(odd).fault is Fault.BEGINNING


def test_after_the_first_fault_no_more_is_looked_at() -> None:
    verdict = judged([*FIVE[:1], replace(FIVE[1], hash="0" * 64), *FIVE[3:]])
    assert (verdict.fault, verdict.seq, verdict.entries) == (Fault.CHANGED, 2, 2)


def test_a_head_is_read_as_it_is_written() -> None:
    assert read_head(f" {FIVE[2].head}\n") == FIVE[2].head
    for text in ("", "3", "x:" + "0" * 64, "3:" + "0" * 63, "3:" + "G" * 64, "9" * 30 + ":" + "0" * 64):
        with pytest.raises(BadRequest, match="number and hash"):
            read_head(text)


def test_texts_of_strangers_stay_one_short_line() -> None:
    kept = bounded(Fact(Event.KEY_REFUSED, subject="a\0b\x1b[2J\ud800\u202ec\n", detail={"agent": "x" * 999, "n": 7}))
    assert kept.subject == "ab[2Jc"
    assert kept.detail == {"agent": "x" * 200, "n": 7}
