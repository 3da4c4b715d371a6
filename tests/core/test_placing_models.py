from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.model import EngineId, EngineKind, Health, NodeId
from potluck.core.placing_models import (
    DISK_RESERVE_BYTES,
    EDGE_BYTES,
    Place,
    Why,
    Wish,
    guess_bytes,
    judge,
    memory_needed,
)

GB = 10**9


def place(name: str, **fields: object) -> Place:
    plain = Place(EngineId(f"{name}/ollama"), NodeId(name), EngineKind.OLLAMA)
    return replace(plain, **fields)  # type: ignore[arg-type]


def best(wish: Wish, *places: Place) -> str | None:
    verdicts = judge(wish, places)
    return verdicts[0].place.node if verdicts and verdicts[0].fits else None


def why(wish: Wish, one: Place) -> Why:
    return judge(wish, [one])[0].why


FETCH = Wish("m", fetch=True)
LOAD = Wish("m", fetch=False)
AGX, PI = place("agx0", memory_bytes=64 * GB), place("pi", memory_bytes=4 * GB)


def test_the_machine_with_the_most_memory_is_best() -> None:
    assert best(FETCH, place("a", memory_bytes=16 * GB), AGX, place("b")) == "agx0"


def test_what_is_there_already_is_not_fetched_elsewhere() -> None:
    assert best(FETCH, AGX, replace(PI, has=True)) == "pi"
    assert best(LOAD, replace(AGX, has=True), replace(PI, has=True, resident=True)) == "pi"


def test_an_engine_of_its_own_comes_before_the_embedded_one() -> None:
    assert best(FETCH, place("a", kind=EngineKind.LOCAL, memory_bytes=64 * GB), place("b")) == "b"


def test_the_idler_of_two_equals_is_chosen() -> None:
    assert best(FETCH, place("a", busy=2), place("b", busy=1)) == "b"


def test_an_edge_machine_gets_only_what_is_known_to_fit() -> None:
    assert why(FETCH, PI) is Why.UNSURE
    assert why(replace(FETCH, size_bytes=2 * GB), PI) is Why.FITS
    assert why(replace(FETCH, size_bytes=5 * GB), PI) is Why.NO_MEMORY
    assert why(replace(FETCH, size_bytes=5 * GB, guessed=True), PI) is Why.NO_MEMORY


def test_the_owner_may_choose_an_edge_machine_on_a_guess_but_not_against_what_is_known() -> None:
    chosen = replace(FETCH, node=NodeId("pi"))
    assert why(chosen, PI) is Why.FITS
    assert why(replace(chosen, size_bytes=5 * GB, guessed=True), PI) is Why.FITS
    assert why(replace(chosen, size_bytes=5 * GB), PI) is Why.NO_MEMORY


def test_a_disk_must_hold_what_is_missing_and_keep_its_reserve() -> None:
    size = 3 * GB
    wish = replace(FETCH, size_bytes=size)
    exact = size + DISK_RESERVE_BYTES
    assert why(wish, place("a", disk_free_bytes=exact)) is Why.FITS
    assert why(wish, place("a", disk_free_bytes=exact - 1)) is Why.NO_DISK
    assert why(wish, place("a", disk_free_bytes=exact - GB, have_bytes=GB)) is Why.FITS
    assert why(wish, place("a", disk_free_bytes=0, has=True)) is Why.FITS
    assert why(replace(wish, guessed=True), place("a", disk_free_bytes=0)) is Why.FITS


@pytest.mark.parametrize(
    ("one", "wish", "outcome"),
    [
        (place("a"), replace(FETCH, node=NodeId("b")), Why.NOT_ASKED_FOR),
        (place("a"), replace(FETCH, engine=EngineId("a/local")), Why.NOT_ASKED_FOR),
        (place("a", keeps=False, has=True), LOAD, Why.KEEPS_NONE),
        (place("a", fetches=False), FETCH, Why.CANNOT_FETCH),
        (place("a", fetches=False, has=True), FETCH, Why.FITS),
        (place("a"), LOAD, Why.ABSENT),
        (place("a", health=Health.DOWN), FETCH, Why.DOWN),
        (place("a", health=Health.SUSPECT), FETCH, Why.DOWN),
        (place("a", health=Health.DRAINING), FETCH, Why.DOWN),
        (place("a", has=True, memory_bytes=1), replace(LOAD, size_bytes=GB), Why.NO_MEMORY),
        (place("a", has=True, resident=True, memory_bytes=1), replace(LOAD, size_bytes=GB), Why.FITS),
        (place("a", has=True, memory_bytes=1), LOAD, Why.FITS),
    ],
)
def test_every_refusal_has_its_reason(one: Place, wish: Wish, outcome: Why) -> None:
    verdict = judge(wish, [one])[0]
    assert verdict.why is outcome
    assert verdict.reason


def test_the_nearest_miss_stands_first() -> None:
    verdicts = judge(FETCH, [place("a", keeps=False), place("b", health=Health.DOWN), place("c", fetches=False)])
    assert [verdict.place.node for verdict in verdicts] == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("llama3.2:3b", 1_800_000_000),
        ("qwen2.5-coder:32b-instruct-q4_K_M", 19_200_000_000),
        ("smollm2:135m", 81_000_000),
        ("mixtral:8x7b", 4_200_000_000),
        ("hf.co/a/Llama-3.2-1B-Instruct-GGUF:latest", 600_000_000),
        ("mistral", None),
        ("phi4:latest", None),
    ],
)
def test_a_name_may_tell_about_how_large_its_model_is(name: str, size: int | None) -> None:
    assert guess_bytes(name) == size


SIZES = st.none() | st.integers(0, 100 * GB)
PLACES = st.builds(
    Place,
    engine=st.sampled_from([EngineId(f"e{n}") for n in range(9)]),
    node=st.sampled_from([NodeId(f"n{n}") for n in range(4)]),
    kind=st.sampled_from(EngineKind),
    health=st.sampled_from(Health),
    keeps=st.booleans(),
    fetches=st.booleans(),
    has=st.booleans(),
    have_bytes=st.integers(0, 10 * GB),
    disk_free_bytes=SIZES,
    memory_bytes=SIZES,
    busy=st.integers(0, 4),
)
WISHES = st.builds(
    Wish,
    model=st.just("m"),
    fetch=st.booleans(),
    size_bytes=SIZES,
    guessed=st.booleans(),
    node=st.none() | st.sampled_from([NodeId(f"n{n}") for n in range(4)]),
    engine=st.none() | st.sampled_from([EngineId(f"e{n}") for n in range(9)]),
)


@given(WISHES, st.lists(PLACES, max_size=8, unique_by=lambda one: one.engine))
def test_a_model_goes_only_where_it_may_and_fits(wish: Wish, places: list[Place]) -> None:
    verdicts = judge(wish, places)
    assert sorted(verdict.place.engine for verdict in verdicts) == sorted(one.engine for one in places)
    assert [verdict.fits for verdict in verdicts] == sorted((verdict.fits for verdict in verdicts), reverse=True)
    for verdict in verdicts:
        one = verdict.place
        assert verdict.reason
        if not verdict.fits:
            continue
        assert one.health is Health.UP
        assert one.keeps
        assert one.has or (wish.fetch and one.fetches)
        assert wish.node in (None, one.node)
        assert wish.engine in (None, one.engine)
        if wish.size_bytes is not None and not wish.guessed:
            assert one.memory_bytes is None or memory_needed(wish.size_bytes) <= one.memory_bytes
            assert one.has or one.disk_free_bytes is None or wish.size_bytes - one.have_bytes < one.disk_free_bytes
        if wish.size_bytes is None and not wish.chosen and not one.has:
            assert one.memory_bytes is None or one.memory_bytes >= EDGE_BYTES


@given(WISHES, st.lists(PLACES, min_size=1, max_size=8, unique_by=lambda one: one.engine), st.randoms())
def test_the_order_in_which_engines_are_named_decides_only_between_equals(
    wish: Wish, places: list[Place], chance: object
) -> None:
    def worth(found: Place) -> tuple[object, ...]:
        return found.has, found.kind is EngineKind.LOCAL, found.memory_bytes or 0, found.busy

    shuffled = list(places)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = judge(wish, places)[0], judge(wish, shuffled)[0]
    assert (one.why, worth(one.place)) == (other.why, worth(other.place))
