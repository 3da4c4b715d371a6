"""What was seen on the network, and what the owner is told of it: new machines, known ones, moved ones, gone ones.

Nothing here takes a node in. A machine is known again by what its agent says of itself; an engine without one shows
only what others may show too, so that it is never followed, and the owner is told how little that means.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from potluck.core.addresses import Address

AGENT: Final = "agent"
"""The kind of a sighting that is a node agent and no engine."""

# Who looks twice a day still sees what was there in the morning.
FORGET_S: Final = 86_400.0
# A house has some dozens; a host that shows itself under a thousand addresses must not fill the memory.
MOST_SIGHTINGS: Final = 2_000
MOST_MODELS: Final = 200
LONGEST_NAME: Final = 100
LARGEST_NETWORK: Final = 4_096
"""Addresses in a network that may be scanned: a /20."""

_PRIVATE: Final = tuple(
    ipaddress.ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


class Way(StrEnum):
    """How something was seen."""

    HERE = "here"
    MDNS = "mdns"
    SCAN = "scan"
    ASKED = "asked"


class Grade(StrEnum):
    """How sure it is who a machine is.

    ``PROVEN``: its agent has the key of the house. ``CLAIMED``: something says so that anybody could say. ``WEAK``:
    there is no agent, only engines, and another machine may show the same.
    """

    PROVEN = "proven"
    CLAIMED = "claimed"
    WEAK = "weak"


class State(StrEnum):
    """What a proposal is to the owner."""

    NEW = "new"
    MOVED = "moved"
    KNOWN = "known"
    GONE = "gone"
    DISMISSED = "dismissed"


Place: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One server at one address and port. ``ways`` are those by which it is seen now: empty is gone.

    ``machine`` (an agent's hashed id), ``host`` and ``proven`` are told of agents; ``models`` and ``fingerprint`` of
    engines. Times are Unix seconds.
    """

    address: str
    port: int
    kind: str
    models: tuple[str, ...] = ()
    fingerprint: str = ""
    version: str = ""
    machine: str = ""
    proven: bool = False
    host: str = ""
    ways: frozenset[Way] = frozenset()
    first_s: float = 0.0
    last_s: float = 0.0

    @property
    def place(self) -> Place:
        return self.address, self.port


@dataclass(frozen=True, slots=True)
class KnownNode:
    """A node that is served. ``addresses`` are all where it is, ``machine`` and ``fingerprint`` empty if not known.

    ``accepted``: it was discovered, so that its address is ours to change; else it is the owner's file that says it.
    """

    name: str
    addresses: frozenset[str]
    places: frozenset[Place] = frozenset()
    machine: str = ""
    fingerprint: str = ""
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """One machine at one address, as it is shown to the owner. ``node`` is the one that it is, or seems to be."""

    id: str
    state: State
    address: str
    name: str
    engines: tuple[Sighting, ...]
    agent: Sighting | None
    grade: Grade
    node: str
    why: str
    first_s: float
    last_s: float

    @property
    def machine(self) -> str:
        return self.agent.machine if self.agent is not None else ""

    @property
    def key(self) -> str:
        """What the owner's dismissal holds for: the machine wherever it is, else the address."""
        return f"machine {self.machine}" if self.machine else f"address {self.address}"

    @property
    def ways(self) -> frozenset[Way]:
        return frozenset(way for each in self.sightings for way in each.ways)

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        return (*self.engines, *((self.agent,) if self.agent is not None else ()))


Book: TypeAlias = Mapping[Place, Sighting]


# --- text and networks of strangers ---------------------------------------------------------------------------------


def plain(text: str, longest: int = LONGEST_NAME) -> str:
    """A stranger's text: printable, on one line, and not too long."""
    kept = "".join(char for char in text[: 4 * longest] if char.isprintable())
    return " ".join(kept.split())[:longest]


def private(address: Address) -> bool:
    """Whether an address belongs to a network that is somebody's own."""
    return any(address.version == network.version and address in network for network in _PRIVATE)


def unfit(network: str) -> str:
    """Why a network may not be scanned, as the end of a sentence; empty for one that may."""
    try:
        read = ipaddress.ip_network(network)
    except ValueError:
        return "is not a network in CIDR form"
    if read.num_addresses > LARGEST_NETWORK:
        return f"has {read.num_addresses} addresses: more than {LARGEST_NETWORK} are not scanned"
    if not (private(read[0]) and private(read[-1])):
        return "is not private: only networks of your own may be scanned"
    return ""


def addresses(networks: Iterable[str]) -> tuple[str, ...]:
    """Every host's address in some networks, each once."""
    return tuple(dict.fromkeys(str(host) for network in networks for host in ipaddress.ip_network(network).hosts()))


def fingerprint(kind: str, version: str, digests: Iterable[str]) -> str:
    """What an engine shows of itself that stays: weak, because another may show the same."""
    shown = "\n".join((kind, version, *sorted(set(digests))))
    return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()[:16]


def claimed(agent: Sighting, machine: str, host: str) -> Sighting:
    """An agent that does not tell us who it is, with what was said of it elsewhere: no proof of anything."""
    return replace(agent, machine=machine, host=host, proven=False)


# --- the book -------------------------------------------------------------------------------------------------------


def take(book: Book, way: Way, seen: Iterable[Sighting], now: float) -> dict[Place, Sighting]:
    """The book after one whole look: what this way saw is there, what it sees no more is not there by this way."""
    after = {place: replace(each, ways=each.ways - {way}) for place, each in book.items()}
    for each in seen:
        before = after.get(each.place)
        after[each.place] = _again(before, each, way, now)
    kept = [each for each in after.values() if each.ways or now - each.last_s < FORGET_S]
    newest = sorted(kept, key=lambda each: -each.last_s)[:MOST_SIGHTINGS]
    return {each.place: each for each in newest}


def only(book: Book, ways: Collection[Way]) -> dict[Place, Sighting]:
    """The book of another run of ours: what was seen by ways that are not looked by any more is not there."""
    return {place: replace(each, ways=each.ways & frozenset(ways)) for place, each in book.items()}


def doubtful(book: Book) -> tuple[Place, ...]:
    """Agents of one machine at several addresses: it may have moved since it was seen at one of them."""
    agents = [each for each in book.values() if each.ways and each.machine]
    proven = {each.machine for each in agents if each.proven}
    at = {machine: [each.place for each in agents if each.machine == machine] for machine in proven}
    return tuple(place for places in at.values() if len(places) > 1 for place in places)


def lost(book: Book, places: Collection[Place]) -> dict[Place, Sighting]:
    """The book without what does not answer there any more."""
    return {place: replace(each, ways=frozenset()) if place in places else each for place, each in book.items()}


def _again(before: Sighting | None, each: Sighting, way: Way, now: float) -> Sighting:
    if before is None or before.kind != each.kind:
        return replace(each, ways=frozenset({way}), first_s=now, last_s=now)
    if each.kind == AGENT and not each.machine:  # one that does not tell us who it is may have told others
        each = claimed(each, before.machine, each.host or before.host)
    return replace(each, ways=before.ways | {way}, first_s=before.first_s, last_s=now)


# --- proposals ------------------------------------------------------------------------------------------------------


def propose(
    book: Book, nodes: Sequence[KnownNode], dismissed: Collection[str], names: Collection[str] = ()
) -> tuple[Proposal, ...]:
    """Every machine that was seen, what is new first. ``names`` are taken beside those of ``nodes``."""
    by_address: dict[str, list[Sighting]] = {}
    for each in book.values():
        by_address.setdefault(each.address, []).append(each)
    taken = {*names, *(node.name for node in nodes)}
    proposals: list[Proposal] = []
    for address in sorted(by_address, key=_order):
        bare = _bare(address, by_address[address], taken)
        taken.add(bare.name)
        proposals.append(_judged(bare, nodes, book, dismissed))
    return tuple(sorted(proposals, key=lambda each: list(State).index(each.state)))


def moves(proposals: Iterable[Proposal], nodes: Iterable[KnownNode]) -> tuple[Proposal, ...]:
    """What is followed without asking: an accepted node whose agent proves at one new address who it is."""
    accepted = {node.name for node in nodes if node.accepted}
    moved = [each for each in proposals if each.state is State.MOVED and each.node in accepted]
    proven = [each for each in moved if each.grade is Grade.PROVEN]
    at = [each.node for each in proven]
    return tuple(each for each in proven if at.count(each.node) == 1)


def _order(address: str) -> tuple[int, int]:
    read = ipaddress.ip_address(address)
    return read.version, int(read)


def _bare(address: str, seen: Sequence[Sighting], taken: Collection[str]) -> Proposal:
    """A machine before it is compared with the nodes."""
    # What is gone from a machine that is still there is not offered any more.
    there = [each for each in seen if each.ways] or list(seen)
    engines = tuple(sorted((each for each in there if each.kind != AGENT), key=lambda each: each.port))
    agents = sorted((each for each in there if each.kind == AGENT), key=lambda each: (not each.proven, each.port))
    agent = agents[0] if agents else None
    machine = agent.machine if agent is not None else ""
    grade = Grade.WEAK if agent is None or not machine else Grade.PROVEN if agent.proven else Grade.CLAIMED
    return Proposal(
        id=hashlib.sha256(f"{machine}\n{address}".encode("utf-8", "replace")).hexdigest()[:10],
        state=State.NEW if any(each.ways for each in seen) else State.GONE,
        address=address,
        name=_name(agent.host if agent is not None else "", address, engines, taken),
        engines=engines,
        agent=agent,
        grade=grade,
        node="",
        why="",
        first_s=min(each.first_s for each in seen),
        last_s=max(each.last_s for each in seen),
    )


def _name(host: str, address: str, engines: Sequence[Sighting], taken: Collection[str]) -> str:
    """A node's name to begin with: the machine's own, else what runs there and its address."""
    own = re.sub(r"[^A-Za-z0-9_.-]+", "-", host.partition(".")[0][:40]).strip("-_.")
    kind = engines[0].kind if engines else "node"
    first = own or f"{kind}-{re.sub(r'[^0-9a-f]+', '-', address)}"
    name, number = first, 2
    while name in taken:
        name, number = f"{first}-{number}", number + 1
    return name


def _judged(bare: Proposal, nodes: Sequence[KnownNode], book: Book, dismissed: Collection[str]) -> Proposal:
    """1. Known by its address. 2. Gone. 3. Known elsewhere by its identity. 4. Dismissed. 5. New, perhaps alike."""
    here = next((node for node in nodes if bare.address in node.addresses), None)
    other_machine = here is not None and bool(here.machine and bare.machine and here.machine != bare.machine)
    if here is not None and not other_machine:
        return _known(bare, here)
    if bare.state is State.GONE:
        return replace(bare, why="It does not answer any more.")
    if bare.machine and (elsewhere := next((node for node in nodes if node.machine == bare.machine), None)):
        return _elsewhere(bare, elsewhere, book)
    if bare.key in dismissed:
        return replace(bare, state=State.DISMISSED, why="You dismissed it.")
    if here is not None:
        why = f"It has the address of {here.name}, but its agent says that it is another machine."
        return replace(bare, why=why)
    return _new(bare, nodes, book)


def _known(bare: Proposal, node: KnownNode) -> Proposal:
    if bare.state is State.GONE:
        return replace(bare, node=node.name, why=f"It is {node.name}, and does not answer any more.")
    more = [f"{each.kind} on port {each.port}" for each in bare.engines if each.place not in node.places]
    why = f"It is {node.name}."
    if node.places and more:
        why = f"It is {node.name}; {', '.join(more)} is not among its engines."
    return replace(bare, state=State.KNOWN, node=node.name, why=why)


def _elsewhere(bare: Proposal, node: KnownNode, book: Book) -> Proposal:
    """The same machine at another address than its node's."""
    for each in book.values():
        if each.ways and each.machine == bare.machine and each.address in node.addresses:
            why = f"It says that it is {node.name}, which still answers at {each.address}."
            return replace(bare, state=State.KNOWN, node=node.name, why=why)
    before = ", ".join(sorted(node.addresses))
    why = f"It is {node.name}, which was at {before}."
    if bare.grade is not Grade.PROVEN:
        why = f"It says that it is {node.name}, which was at {before}; nothing proves that."
    return replace(bare, state=State.MOVED, node=node.name, why=why)


def _new(bare: Proposal, nodes: Sequence[KnownNode], book: Book) -> Proposal:
    """Likeness is told, and nothing is made of it."""
    shown = fingerprint_of(bare.engines)
    there = {each.address for each in book.values() if each.ways}
    for node in nodes:
        if shown and node.fingerprint == shown and not (node.addresses & there):
            why = f"Its engines show what {node.name}'s did; that is weak, for another machine may show the same."
            return replace(bare, node=node.name, why=why)
    if bare.agent is not None and not bare.machine:
        return replace(bare, why="Its agent wants a key: without discovery.agent_key it is not known again.")
    if bare.agent is None:
        return replace(bare, why="It has no agent: at another address it will not be known again.")
    if bare.grade is Grade.CLAIMED:
        return replace(bare, why="Nothing proves that it is the machine that it says it is.")
    return bare


def fingerprint_of(engines: Iterable[Sighting]) -> str:
    """All engines of a machine together; empty if there is none."""
    shown = sorted(each.fingerprint for each in engines)
    return fingerprint("machine", "", shown) if shown else ""
