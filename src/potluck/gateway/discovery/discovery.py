"""Looks on this machine, on the owner's networks and to what is announced; keeps proposals; serves what is accepted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec
import structlog

from potluck.config.model import NodeConfig
from potluck.core import discovery as core
from potluck.core.addresses import Address, read_address
from potluck.core.discovery import AGENT, Grade, KnownNode, Proposal, Sighting, State, Way
from potluck.core.errors import BadRequest, Conflict, NotFound, PotluckError
from potluck.core.model import EngineKind
from potluck.gateway.discovery.kept import AcceptedNode, Kept, KeptEngine
from potluck.gateway.discovery.known import known_nodes, resolved
from potluck.gateway.discovery.mdns import Announced, Browser, Listening
from potluck.gateway.discovery.probing import Prober, targets
from potluck.gateway.machines import Machine
from potluck.gateway.tasks import Tasks

log = structlog.get_logger(__name__)

# This machine costs five knocks on its own door.
HERE_S: Final = 600.0
# A scan knocks at every address of the networks: often enough for a house, seldom enough for its alarm.
SCAN_S: Final = 3_600.0
# What is announced is asked after again now and then, also when nothing was heard: a goodbye may be lost.
MDNS_S: Final = 300.0
# Machines that start together announce themselves together.
SETTLE_S: Final = 1.0
# The largest networks with a slow answer on every port; what is not seen by then waits for the next look.
LONGEST_LOOK_S: Final = 1_200.0

# Addresses that were named are looked at again with the next one that is, so that none of them seems gone: these many.
MOST_NAMED: Final = 16

# Machines with two network cards are few.
MOST_DOUBTS: Final = 64

LOOPBACK: Final = "127.0.0.1"
NAME_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"


class Where(msgspec.Struct, frozen=True):
    """Where is looked. ``ports`` are the usual ones by kind, the agent's among them.

    ``may`` says which addresses may be asked at all, ``own`` whether one is this machine's.
    """

    networks: tuple[str, ...]
    ports: tuple[tuple[str, int], ...]
    may: Callable[[Address], bool] = core.private
    own: Callable[[str], bool] = lambda address: False
    here: str = LOOPBACK


class Surroundings(msgspec.Struct, frozen=True):
    """What discovery must know of the rest.

    ``nodes`` are those that are served, ``configured`` the names that the owner's file has, ``taken`` all names in use.
    ``changed`` is called after nodes were accepted, forgotten or followed.
    """

    nodes: Callable[[], Sequence[NodeConfig]]
    configured: Callable[[], Collection[str]]
    taken: Callable[[], Collection[str]]
    machines: Callable[[], Sequence[Machine]]
    changed: Callable[[], None]


class Ways(msgspec.Struct, frozen=True):
    """How is looked beside this machine's ports. ``scanned_s`` is when the networks were looked through, 0: never."""

    mdns: bool
    networks: tuple[str, ...]
    scanned_s: float


Source: TypeAlias = Literal["config", "discovery", "here"]
"""Where a node comes from: the owner's file, what was accepted, or this machine itself without anybody's word."""


class Discovery(msgspec.Struct):
    """Owns the proposals. ``clock`` is Unix seconds; ``browser`` None: nobody listens for announcements."""

    where: Where
    kept: Kept
    prober: Prober
    browser: Browser | None
    around: Surroundings
    tasks: Tasks
    clock: Callable[[], float]
    _turn: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)
    _names: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict[str, tuple[str, ...]])
    _moved: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    _named: list[str] = msgspec.field(default_factory=list[str])
    _listening: Listening | None = None
    _wanted: asyncio.Task[None] | None = None
    _ear: asyncio.Task[None] | None = None

    # --- looking ---

    def begin(self) -> None:
        """Look from now on, in the background."""
        self.kept.book = core.only(self.kept.book, {Way.SCAN} if self.where.networks else ())
        self.tasks.spawn(self._looking(), "discovery")
        self._hear_by(self.browser)

    def reconfigure(self, where: Where, prober: Prober, browser: Browser | None) -> None:
        """Look elsewhere, or with another key, from now on; at other networks at once. What was seen by a way that is
        closed is forgotten; what was accepted stays."""
        looks_anew = where.networks != self.where.networks and bool(where.networks)
        self.where, self.prober = where, prober
        if browser is not self.browser:
            self._hear_by(browser)
        ways = {Way.HERE: True, Way.ASKED: True, Way.MDNS: browser is not None, Way.SCAN: bool(where.networks)}
        self.kept.book = core.only(self.kept.book, [way for way, open_ in ways.items() if open_])
        self._note()
        if looks_anew:
            self.tasks.spawn(self._look_again(), "discovery in other networks")

    def _hear_by(self, browser: Browser | None) -> None:
        if self._ear is not None:
            self._ear.cancel()
        self.browser = browser
        self._ear = self.tasks.spawn(self._hearing(browser), "discovery by mDNS") if browser is not None else None

    async def _look_again(self) -> None:
        try:
            await self._look(scan=True)
        except PotluckError as error:
            log.warning("what was found could not be kept", why=error.message, detail=error.detail)

    async def look(self) -> None:
        """Look everywhere now and wait for it; who comes while that is done waits for the same look."""
        if self._wanted is None or self._wanted.done():
            self._wanted = self.tasks.spawn(self._look(scan=True), "discovery, as asked")
        await asyncio.shield(self._wanted)

    async def look_at(self, address: str) -> None:
        """Look at the usual ports of one address. Raises `BadRequest` for one that is not another machine's of a
        private network."""
        if not self._may(address):
            raise BadRequest(
                f"'{core.plain(address)[:60]}' is no address of another machine in a private network.",
                param="address",
                hint="Give its IP address, such as 192.168.1.154. This machine's own ports are looked at anyway.",
            )
        self._named = [*(each for each in self._named if each != address), address][-MOST_NAMED:]
        async with self._turn:
            await self._look_by(Way.ASKED, targets(self._named, self.where.ports))

    async def _looking(self) -> None:
        while True:
            try:
                await self._look(scan=self.clock() - self.kept.scanned_s >= SCAN_S)
            except PotluckError as error:  # the database: the next look may keep what it saw
                log.warning("what was found could not be kept", why=error.message, detail=error.detail)
            await asyncio.sleep(HERE_S)

    async def _look(self, *, scan: bool) -> None:
        """1. This machine. 2. What is announced. 3. The networks, if that is due."""
        async with self._turn:
            self._names = await resolved(self.around.nodes())
            await self._look_by(Way.HERE, targets([self.where.here], self.where.ports))
            await self._look_at_announced()
            if scan and self.where.networks:
                hosts = [host for host in core.addresses(self.where.networks) if self._may(host)]
                log.info("looking for machines", networks=list(self.where.networks), addresses=len(hosts))
                # Noted before it is done: one that is given up must not be tried again at once.
                await self.kept.saw(self.kept.book, self.clock())
                await self._look_by(Way.SCAN, targets(hosts, self.where.ports), times=len(self.where.networks))
            await self._follow()

    async def _look_by(self, way: Way, places: Iterable[tuple[str, int, str]], times: int = 1) -> None:
        try:
            async with asyncio.timeout(times * LONGEST_LOOK_S):
                seen = await self.prober.look_all(places)
        except TimeoutError:
            log.warning("a look for machines was given up", way=way.value, after_s=times * LONGEST_LOOK_S)
        else:
            await self._saw(way, seen)

    async def _saw(self, way: Way, seen: Iterable[Sighting]) -> None:
        before = {each.id for each in self.proposals()}
        await self.kept.saw(core.take(self.kept.book, way, seen, self.clock()), self.kept.scanned_s)
        for each in self._note():
            if each.id not in before and each.state in (State.NEW, State.MOVED):
                hint = f"'potluck nodes accept {each.id}' takes it in."
                log.info("found a machine", address=each.address, state=each.state.value, why=each.why, hint=hint)

    def _changed(self) -> None:
        self.around.changed()
        self._note()

    def _note(self) -> tuple[Proposal, ...]:
        """The proposals now. What a listing of nodes needs of them is kept: making them takes milliseconds."""
        proposals = self.proposals()
        self._moved = {each.node: each.address for each in proposals if each.state is State.MOVED}
        return proposals

    def _may(self, address: str) -> bool:
        read = read_address(address)
        return read is not None and self.where.may(read) and not self.where.own(address)

    # --- what is announced ---

    async def _hearing(self, browser: Browser) -> None:
        """A network that is away is waited for."""
        said = ""
        while True:
            try:
                async with browser.listening() as self._listening:
                    said = ""
                    while True:
                        await self._hear(self._listening)
            except OSError as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("nobody can be heard by mDNS", why=said)
            finally:
                self._listening = None
            await asyncio.sleep(MDNS_S)

    async def _hear(self, listening: Listening) -> None:
        try:
            async with asyncio.timeout(MDNS_S):
                await listening.changed.wait()
            await asyncio.sleep(SETTLE_S)
        except TimeoutError:
            pass
        try:
            async with self._turn:
                await self._look_at_announced()
                await self._follow()
        except PotluckError as error:
            log.warning("what was found could not be kept", why=error.message, detail=error.detail)

    async def _look_at_announced(self) -> None:
        """Ask those that announced themselves; beside an agent also its machine's usual ports: it is there for them."""
        if (listening := self._listening) is None:
            return
        listening.changed.clear()
        told = {
            (address, each.port): each
            for each in await listening.announced()
            for address in each.addresses
            if self._may(address)
        }
        engines = [(kind, port) for kind, port in self.where.ports if kind != AGENT]
        beside = {address for (address, _), each in told.items() if each.kind == AGENT}
        places = {(host, port): kind for host, port, kind in targets(sorted(beside), engines)}
        places |= {place: each.kind for place, each in told.items()}
        seen = await self.prober.look_all([(host, port, kind) for (host, port), kind in places.items()])
        await self._saw(Way.MDNS, [_as_told(each, told.get(each.place)) for each in seen])

    # --- proposals ---

    def ways(self) -> Ways:
        return Ways(self.browser is not None, self.where.networks, self.kept.scanned_s)

    def accepted(self) -> Sequence[AcceptedNode]:
        """All that were accepted, also where the file now says it."""
        return tuple(self.kept.accepted.values())

    def source(self, node: str) -> Source:
        if node in self.around.configured():
            return "config"
        return "discovery" if node in self.kept.accepted else "here"

    def known(self) -> tuple[KnownNode, ...]:
        return known_nodes(
            self.around.nodes(), self.serving(), self.around.machines(), self._names, self.where.own, self.where.here
        )

    def serving(self) -> Mapping[str, AcceptedNode]:
        """Accepted nodes that are served: one of the same name in the file wins."""
        configured = self.around.configured()
        return {name: node for name, node in self.kept.accepted.items() if name not in configured}

    def proposals(self) -> tuple[Proposal, ...]:
        return core.propose(self.kept.book, self.known(), self.kept.dismissed, self._taken())

    def _taken(self) -> frozenset[str]:
        return frozenset(self.around.taken()) | self.kept.accepted.keys()

    async def accept(self, proposal: str, name: str = "", slots: int | None = None) -> AcceptedNode:
        """Serve a machine from now on. Raises `NotFound`, `Conflict` and `BadRequest`."""
        found = self._found(proposal)
        if found.state in (State.KNOWN, State.GONE):
            raise Conflict(f"It cannot be accepted. {found.why}", hint="'potluck nodes discover' looks again.")
        if found.state is State.MOVED:
            node = await self._accept_move(found)
        else:
            node = await self._accept_new(found, name.strip() or found.name, slots)
        await self.kept.dismiss(found.key, yes=False)
        self._changed()
        log.info("node accepted", node=node.name, address=node.address)
        return node

    async def _accept_new(self, found: Proposal, name: str, slots: int | None) -> AcceptedNode:
        if not re.fullmatch(NAME_PATTERN, name):
            hint = "Use letters, digits, '.', '_' and '-', beginning with a letter or a digit; 63 at most."
            raise BadRequest(f"{core.plain(name)!r} cannot be a node's name.", param="name", hint=hint)
        if name in self._taken():
            raise Conflict(f"There is a node '{name}' already.", hint="Give it another name.")
        agent = found.agent
        node = AcceptedNode(
            name=name,
            address=found.address,
            engines=tuple(KeptEngine(EngineKind(each.kind), each.port, slots) for each in found.engines),
            agent_port=agent.port if agent is not None else None,
            machine=found.machine,
            proven=agent is not None and agent.proven,
            fingerprint=core.fingerprint_of(found.engines),
            accepted_s=self.clock(),
        )
        await self.kept.accept(node)
        return node

    async def _accept_move(self, found: Proposal) -> AcceptedNode:
        if found.node not in self.serving():
            hint = f"Write 'address: {found.address}' there, and 'potluck reload'."
            raise Conflict(f"The address of {found.node} stands in potluck.yaml.", hint=hint)
        # What did not prove itself is not shown the key, whatever the node at the old address had.
        proven = found.grade is Grade.PROVEN
        node = await self.kept.move(found.node, found.address, self.clock(), proven=proven)
        if node is None:
            raise Conflict(f"The node '{found.node}' was forgotten meanwhile.")
        return node

    async def dismiss(self, proposal: str) -> None:
        """Propose it no more. Raises `NotFound`, and `Conflict` for a machine that is a node."""
        found = self._found(proposal)
        if found.state is State.KNOWN:
            raise Conflict(f"{found.why} What is a node is not dismissed.")
        await self.kept.dismiss(found.key, yes=True)

    async def forget(self, name: str) -> None:
        """Serve an accepted node no more. Raises `NotFound`, also for one of the file."""
        if not await self.kept.forget(name):
            hint = "Nodes of potluck.yaml are taken out there."
            raise NotFound(f"No accepted node is called '{core.plain(name)}'.", hint=hint)
        self._changed()
        log.info("node forgotten", node=name)

    def _found(self, proposal: str) -> Proposal:
        for each in self.proposals():
            if each.id == proposal:
                return each
        raise NotFound("There is no such proposal.", hint="'potluck nodes discover' lists them.")

    # --- nodes that move ---

    async def _follow(self) -> None:
        """1. A node has moved, as it seems. 2. Nobody at its old address proves to be it. 3. At the new one it does."""
        await self._doubt()
        for move in core.moves(self.proposals(), self.known()):
            node = self.serving().get(move.node)
            if node is None or move.agent is None or await self._proves(node, node.address, node.agent_port):
                continue
            if await self._proves(node, move.address, move.agent.port):
                moved = await self.kept.move(node.name, move.address, self.clock(), proven=True)
                if moved is not None:
                    log.warning(
                        "a node has moved and is followed", node=node.name, before=moved.before, at=moved.address
                    )
                    self._changed()

    async def _doubt(self) -> None:
        """A machine that proves to be in two places was perhaps seen in one of them before it moved: look again."""
        places = core.doubtful(self.kept.book)[:MOST_DOUBTS]
        seen = await self.prober.look_all([(*place, AGENT) for place in places])
        there = {each.place: each.machine for each in seen}
        book = self.kept.book
        lost = {place for place in places if place in book and there.get(place) != book[place].machine}
        if lost:
            await self.kept.saw(core.lost(book, lost), self.kept.scanned_s)

    def why(self, node: str) -> str:
        """What the owner should know of a node's address; empty if there is nothing to know."""
        there = self.serving().get(node)
        if there is None or not there.before:
            moved = self._moved.get(node)
            return f"It seems to be at {moved} now: see 'potluck nodes discover'." if moved else ""
        return f"It was at {there.before} and is at {there.address} now: it was known by its identity."

    async def _proves(self, node: AcceptedNode, address: str, port: int | None) -> bool:
        seen = await self.prober.look(address, port, AGENT) if port is not None else None
        return seen is not None and seen.proven and seen.machine == node.machine


def _as_told(seen: Sighting, told: Announced | None) -> Sighting:
    """An agent that does not tell us who it is, but told everybody: claimed, no more."""
    if told is None or seen.kind != AGENT or seen.machine:
        return seen
    return core.claimed(seen, told.machine, told.host)
