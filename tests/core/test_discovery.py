"""What was seen becomes proposals: nothing is taken in, nothing a stranger says touches a node."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potluck.core import discovery as d
from potluck.core.discovery import AGENT, Grade, KnownNode, Proposal, Sighting, State, Way

NOW = 1_000_000.0
M1, M2 = "1" * 32, "2" * 32


def engine(address: str, port: int = 11434, kind: str = "ollama", **more: object) -> Sighting:
    plain = Sighting(address, port, kind, ("llama3.2",), fingerprint=d.fingerprint(kind, "1", ["sha256:a"]))
    return replace(plain, **more)  # type: ignore[arg-type]


def agent(address: str, machine: str = M1, *, proven: bool = True, host: str = "agx0", port: int = 8421) -> Sighting:
    return Sighting(address, port, AGENT, machine=machine, proven=proven, host=host)


def book(*seen: Sighting, way: Way = Way.SCAN) -> dict[d.Place, Sighting]:
    return d.take({}, way, seen, NOW)


def proposed(*seen: Sighting, nodes: Sequence[KnownNode] = (), dismissed: Sequence[str] = ()) -> tuple[Proposal, ...]:
    return d.propose(book(*seen), nodes, dismissed)


AGX0 = KnownNode(
    "agx0", frozenset({"10.0.0.5"}), frozenset({("10.0.0.5", 11434)}), M1, d.fingerprint_of([engine("x")]), True
)


def test_engines_and_agent_of_one_address_are_one_machine_named_after_itself() -> None:
    (found,) = proposed(engine("10.0.0.9"), engine("10.0.0.9", 8080, "llamacpp"), agent("10.0.0.9", host="Desk.local"))
    assert (found.state, found.name, found.grade, found.machine) == (State.NEW, "Desk", Grade.PROVEN, M1)
    assert [each.port for each in found.engines] == [8080, 11434]
    assert (found.why, found.ways, len(found.sightings)) == ("", {Way.SCAN}, 3)


def test_without_an_agent_the_owner_is_told_how_little_is_known() -> None:
    (found,) = proposed(engine("10.0.0.9"))
    assert (found.grade, found.machine, found.name) == (Grade.WEAK, "", "ollama-10-0-0-9")
    assert "no agent" in found.why
    (keyed,) = proposed(agent("10.0.0.9", ""))
    assert (keyed.grade, keyed.name) == (Grade.WEAK, "agx0")
    assert "agent_key" in keyed.why
    (said,) = proposed(agent("10.0.0.9", proven=False))
    assert said.grade is Grade.CLAIMED
    assert "Nothing proves" in said.why
    (bare,) = proposed(agent("10.0.0.9", host="---"))
    assert bare.name == "node-10-0-0-9"


def test_names_are_each_machines_own() -> None:
    one, two = proposed(agent("10.0.0.8", M1), agent("10.0.0.9", M2), nodes=[replace(AGX0, machine="")])
    assert (one.name, two.name) == ("agx0-2", "agx0-3")


def test_a_node_is_known_by_its_address_and_what_else_answers_there_is_told() -> None:
    (found,) = proposed(engine("10.0.0.5"), engine("10.0.0.5", 8080, "llamacpp"), nodes=[AGX0])
    assert (found.state, found.node) == (State.KNOWN, "agx0")
    assert "llamacpp on port 8080" in found.why
    (plain,) = proposed(engine("10.0.0.5"), nodes=[AGX0])
    assert plain.why == "It is agx0."
    gone = d.propose(d.take(book(engine("10.0.0.5")), Way.SCAN, [], NOW + 1), [AGX0], ())
    assert (gone[0].state, gone[0].node) == (State.GONE, "agx0")


def test_another_machine_at_a_nodes_address_is_not_that_node() -> None:
    (found,) = proposed(agent("10.0.0.5", M2), nodes=[AGX0])
    assert (found.state, found.node) == (State.NEW, "")
    assert "another machine" in found.why


def test_a_node_that_proves_itself_at_another_address_is_followed() -> None:
    found = proposed(agent("10.0.0.9"), nodes=[AGX0])
    assert [(each.state, each.node) for each in found] == [(State.MOVED, "agx0")]
    assert found[0].why == "It is agx0, which was at 10.0.0.5."
    assert d.moves(found, [AGX0]) == found


def test_a_node_of_the_file_is_proposed_and_not_followed() -> None:
    configured = replace(AGX0, accepted=False)
    found = proposed(agent("10.0.0.9"), nodes=[configured])
    assert found[0].state is State.MOVED
    assert d.moves(found, [configured]) == ()


def test_what_only_says_who_it_is_is_not_followed() -> None:
    found = proposed(agent("10.0.0.9", proven=False), nodes=[AGX0])
    assert found[0].state is State.MOVED
    assert "nothing proves" in found[0].why
    assert d.moves(found, [AGX0]) == ()


def test_two_that_prove_it_are_not_followed() -> None:
    found = proposed(agent("10.0.0.8"), agent("10.0.0.9"), nodes=[AGX0])
    assert len(found) == 2
    assert d.moves(found, [AGX0]) == ()


def test_one_that_still_answers_where_it_was_has_not_moved() -> None:
    found = proposed(agent("10.0.0.5"), agent("10.0.0.9"), nodes=[AGX0])
    assert [each.state for each in found] == [State.KNOWN, State.KNOWN]
    assert "still answers at 10.0.0.5" in found[1].why


def test_a_weak_identity_is_a_hint_and_no_more() -> None:
    found = proposed(engine("10.0.0.9"), nodes=[AGX0])
    assert (found[0].state, found[0].node) == (State.NEW, "agx0")
    assert "weak" in found[0].why
    assert d.moves(found, [AGX0]) == ()
    still = proposed(engine("10.0.0.5"), engine("10.0.0.9"), nodes=[AGX0])
    assert [each.node for each in still if each.address == "10.0.0.9"] == [""]


def test_a_dismissal_holds_for_the_machine_wherever_it_is() -> None:
    (found,) = proposed(agent("10.0.0.9"))
    (again,) = proposed(agent("10.0.0.7"), dismissed=[found.key])
    assert (again.state, again.why) == (State.DISMISSED, "You dismissed it.")
    (weak,) = proposed(engine("10.0.0.9"))
    assert proposed(engine("10.0.0.9"), dismissed=[weak.key])[0].state is State.DISMISSED
    assert proposed(engine("10.0.0.7"), dismissed=[weak.key])[0].state is State.NEW


def test_what_is_seen_no_more_by_any_way_is_gone_and_forgotten_after_a_day() -> None:
    both = d.take(book(engine("10.0.0.9")), Way.MDNS, [engine("10.0.0.9")], NOW + 1)
    one = d.take(both, Way.SCAN, [], NOW + 2)
    assert d.propose(one, (), ())[0].ways == {Way.MDNS}
    none = d.take(one, Way.MDNS, [], NOW + 3)
    (gone,) = d.propose(none, (), ())
    assert (gone.state, gone.first_s, gone.last_s) == (State.GONE, NOW, NOW + 1)
    assert d.take(none, Way.SCAN, [], NOW + d.FORGET_S + 2) == {}


def test_what_is_gone_from_a_machine_that_is_there_is_not_offered() -> None:
    first = book(engine("10.0.0.9"), engine("10.0.0.9", 8080, "llamacpp"))
    (found,) = d.propose(d.take(first, Way.SCAN, [engine("10.0.0.9")], NOW + 1), (), ())
    assert [each.port for each in found.engines] == [11434]


def test_an_agent_that_told_everybody_who_it_is_need_not_tell_us() -> None:
    announced = book(agent("10.0.0.9", proven=False), way=Way.MDNS)
    (found,) = d.propose(d.take(announced, Way.SCAN, [agent("10.0.0.9", "", host="")], NOW + 1), (), ())
    assert (found.machine, found.grade, found.name) == (M1, Grade.CLAIMED, "agx0")
    (other,) = d.propose(d.take(announced, Way.SCAN, [engine("10.0.0.9", 8421)], NOW + 1), (), ())
    assert other.machine == ""


def test_a_machine_in_two_places_is_doubtful_until_it_is_looked_at_again() -> None:
    both = book(agent("10.0.0.5"), agent("10.0.0.9"), agent("10.0.0.7", M2), engine("10.0.0.8"))
    assert set(d.doubtful(both)) == {("10.0.0.5", 8421), ("10.0.0.9", 8421)}
    assert d.doubtful(book(agent("10.0.0.5", proven=False), agent("10.0.0.9", proven=False))) == ()
    after = d.lost(both, [("10.0.0.5", 8421)])
    assert d.doubtful(after) == ()
    assert [each.address for each in d.moves(d.propose(after, [AGX0], ()), [AGX0])] == ["10.0.0.9"]


def test_a_way_that_is_not_gone_any_more_sees_nothing() -> None:
    assert [each.state for each in d.propose(d.only(book(engine("10.0.0.9")), [Way.SCAN]), (), ())] == [State.NEW]
    assert [each.state for each in d.propose(d.only(book(engine("10.0.0.9")), []), (), ())] == [State.GONE]


def test_a_book_has_an_end() -> None:
    many = [engine(str(ipaddress.ip_address("10.0.0.0") + number)) for number in range(d.MOST_SIGHTINGS + 10)]
    assert len(book(*many)) == d.MOST_SIGHTINGS


# --- for all that strangers may say ---

ADDRESSES = st.sampled_from([f"10.0.0.{number}" for number in range(4, 10)])
AGENTS = st.builds(agent, ADDRESSES, st.sampled_from([M1, M2, ""]), proven=st.booleans(), host=st.text(max_size=8))
ENGINES = st.builds(engine, ADDRESSES, st.sampled_from([11434, 8080]))
LOOKS = st.lists(st.tuples(st.sampled_from(list(Way)), st.lists(AGENTS | ENGINES, max_size=6)), max_size=5)
NODES = (AGX0, KnownNode("desk", frozenset({"10.0.0.6"}), machine=M2), KnownNode("pi", frozenset({"10.0.0.7"})))


@settings(max_examples=300)
@given(LOOKS)
def test_every_machine_is_proposed_once_and_only_the_proven_are_followed(
    looks: list[tuple[Way, list[Sighting]]],
) -> None:
    kept: d.Book = {}
    for step, (way, seen) in enumerate(looks):
        kept = d.take(kept, way, seen, NOW + step)
    found = d.propose(kept, NODES, ())
    assert sorted(each.address for each in found) == sorted({place[0] for place in kept})
    assert len({each.id for each in found}) == len(found)
    assert len({each.name for each in found}) == len(found)
    assert not {each.name for each in found} & {node.name for node in NODES}
    for move in d.moves(found, NODES):
        assert (move.node, move.grade, move.machine) == ("agx0", Grade.PROVEN, M1)
        assert move.address != "10.0.0.5"
        assert not any(each.ways and each.machine == M1 for each in kept.values() if each.address == "10.0.0.5")
    assert d.propose(kept, NODES, [each.key for each in found]) == d.propose(kept, NODES, [each.key for each in found])
    assert not any(each.state is State.NEW for each in d.propose(kept, (), [each.key for each in found]))


@given(st.text())
def test_a_strangers_text_is_short_printable_and_on_one_line(text: str) -> None:
    kept = d.plain(text)
    assert kept.isprintable()
    assert len(kept) <= d.LONGEST_NAME
    assert kept == d.plain(kept)


# --- networks ---


@pytest.mark.parametrize(
    ("network", "why"),
    [
        ("192.168.1.0/24", ""),
        ("10.0.0.0/20", ""),
        ("fd00::/116", ""),
        ("10.0.0.0/19", "8192 addresses"),
        ("8.8.8.0/24", "not private"),
        ("127.0.0.0/29", "not private"),
        ("169.254.0.0/24", "not private"),
        ("home", "not a network"),
    ],
)
def test_only_small_networks_of_ones_own_are_scanned(network: str, why: str) -> None:
    assert (why in d.unfit(network)) if why else d.unfit(network) == ""


def test_every_host_once() -> None:
    assert d.addresses(["10.0.0.0/30", "10.0.0.0/30", "10.0.0.9/32"]) == ("10.0.0.1", "10.0.0.2", "10.0.0.9")
