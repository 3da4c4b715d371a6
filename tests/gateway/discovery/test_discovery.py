"""Machines are found, proposed, accepted, known again after a start, followed when they move, and forgotten."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec
import pytest

from potluck.config.model import EngineConfig, NodeConfig
from potluck.config.secret import Secret
from potluck.core import discovery as core
from potluck.core.discovery import AGENT, Grade, State, Way
from potluck.core.errors import BadRequest, Conflict, NotFound
from potluck.core.model import EngineKind, NodeId
from potluck.gateway.discovery import discovery as module
from potluck.gateway.discovery import probing
from potluck.gateway.discovery.kept import ACCEPTED, Kept, node_configs
from potluck.gateway.discovery.mdns import Announced
from potluck_fake_engine.testing import running
from tests.agent.process import agent
from tests.gateway.discovery.world import KEY, NETWORK, FakeBrowser, MemorySettings, house


@asynccontextmanager
async def agent_at(host: str, *, port: int = 0, key: str = KEY) -> AsyncGenerator[int]:
    """A real agent as a process; its port."""
    block = agent("--host", host, *(("--port", str(port)) if port else ()), key=key)
    url = await asyncio.to_thread(block.__enter__)
    try:
        yield int(url.rpartition(":")[2])
    finally:
        await asyncio.to_thread(block.__exit__, None, None, None)


async def test_what_answers_on_a_given_network_is_proposed_and_served_when_it_is_accepted() -> None:
    async with (
        running("m1", "m2", dialect="ollama", host="127.0.0.2") as one,
        running("big", dialect="openai", host="127.0.0.3") as two,
        house(("ollama", one.port), ("openai", two.port)) as home,
    ):
        first, second = await home.look()
        assert (first.address, first.state, first.grade) == ("127.0.0.2", State.NEW, Grade.WEAK)
        assert [(each.kind, each.models) for each in first.engines] == [("ollama", ("m1:latest", "m2:latest"))]
        assert [(each.kind, each.models) for each in second.engines] == [("openai", ("big",))]
        assert home.changes == 0, "nothing is taken without the owner"

        node = await home.discovery.accept(first.id, "agx0", 4)
        assert (node.name, node.address, home.changes) == ("agx0", "127.0.0.2", 1)
        again = await home.open()
        assert [(each.state, each.node) for each in again.proposals()] == [
            (State.NEW, ""),
            (State.KNOWN, "agx0"),
        ]
        (config,) = node_configs(again.accepted(), None)
        engine = EngineConfig(NodeId("agx0"), EngineKind.OLLAMA, "127.0.0.2", one.port, slots=4)
        assert config == NodeConfig(NodeId("agx0"), "127.0.0.2", engines=(engine,))
        assert (again.source("agx0"), again.source("other")) == ("discovery", "here")

        home.nodes[NodeId("agx0")] = NodeConfig(NodeId("agx0"), "10.9.9.9")
        assert again.source("agx0") == "config"
        assert again.serving() == {}
        await again.forget("agx0")
        assert (again.accepted(), home.changes) == ((), 2)
        with pytest.raises(NotFound, match="No accepted node"):
            await again.forget("agx0")


async def test_an_address_that_is_named_is_looked_at_without_any_network_to_scan() -> None:
    async with (
        running(dialect="ollama", host="127.0.0.2") as one,
        running(dialect="openai", host="127.0.0.9") as two,
        house(("ollama", one.port), ("openai", two.port), networks=()) as home,
    ):
        assert await home.look() == []
        await home.discovery.look_at("127.0.0.2")
        (found,) = home.discovery.proposals()
        assert (found.address, found.state, found.ways) == ("127.0.0.2", State.NEW, {Way.ASKED})
        await home.discovery.look_at("127.0.0.9")
        assert [each.state for each in home.discovery.proposals()] == [State.NEW, State.NEW]
        for strange in ("8.8.8.8", "agx0", ""):
            with pytest.raises(BadRequest, match="no address of another machine"):
                await home.discovery.look_at(strange)


async def test_a_dismissal_and_a_name_that_cannot_be() -> None:
    async with running(dialect="ollama", host="127.0.0.2") as fake, house(("ollama", fake.port)) as home:
        (found,) = await home.look()
        await home.discovery.dismiss(found.id)
        assert [each.state for each in (await home.open()).proposals()] == [State.DISMISSED]
        discovery = home.discovery
        with pytest.raises(BadRequest, match="node's name"):
            await discovery.accept(found.id, "a/b\x1b")
        home.nodes[NodeId("desk")] = NodeConfig(NodeId("desk"))
        with pytest.raises(Conflict, match="already"):
            await discovery.accept(found.id, "desk")
        with pytest.raises(NotFound):
            await discovery.accept("nothing")
        results = await asyncio.gather(*(discovery.accept(found.id, "one") for _ in range(2)), return_exceptions=True)
        assert sorted(type(each).__name__ for each in results) == ["AcceptedNode", "Conflict"]
        with pytest.raises(Conflict, match="It is one"):
            await discovery.accept(found.id, "two")
        with pytest.raises(Conflict):
            await discovery.dismiss(found.id)


async def test_a_node_that_moves_is_followed_by_its_identity_and_the_owner_can_read_it() -> None:
    async with agent_at("127.0.0.2") as port, house((AGENT, port)) as home:
        (found,) = await home.look()
        assert (found.grade, found.state) == (Grade.PROVEN, State.NEW), found
        await home.discovery.accept(found.id, "agx0")
        (config,) = node_configs(home.discovery.accepted(), None)
        assert config.agent is not None
        async with agent_at("127.0.0.3", port=port):  # as with two network cards
            await home.look()
            assert home.discovery.accepted()[0].address == "127.0.0.2"
    async with agent_at("127.0.0.4", port=port):
        before = home.changes
        async with house((AGENT, port)) as later:
            later.store = home.store
            discovery = await later.open()
            (moved,) = [each for each in await later.look() if each.state is not State.GONE]
            assert (moved.state, moved.node, moved.address) == (State.KNOWN, "agx0", "127.0.0.4")
            assert discovery.accepted()[0].address == "127.0.0.4"
            assert later.changes == 1
            assert discovery.why("agx0").startswith("It was at 127.0.0.2 and is at 127.0.0.4 now")
    assert before == 1


async def test_an_agent_with_another_key_is_not_followed_but_may_be_accepted() -> None:
    async with agent_at("127.0.0.2") as port, house((AGENT, port)) as home:
        (found,) = await home.look()
        await home.discovery.accept(found.id, "agx0")
    other = "another-key-of-the-right-length"
    async with agent_at("127.0.0.3", port=port, key=other):
        browser = FakeBrowser([Announced(AGENT, ("127.0.0.3",), port, found.machine, "agx0")])
        async with house((AGENT, port), browser=browser, networks=()) as home2:
            home2.store = home.store
            discovery = await home2.open()
            discovery.begin()
            async with asyncio.timeout(20):
                while not (seen := [each for each in discovery.proposals() if each.state is State.MOVED]):
                    browser.changed.set()
                    await asyncio.sleep(0.02)
            assert (seen[0].grade, seen[0].node) == (Grade.CLAIMED, "agx0")
            assert discovery.accepted()[0].address == "127.0.0.2"
            assert "seems to be at 127.0.0.3" in discovery.why("agx0")
            node = await discovery.accept(seen[0].id)
            assert node.address == "127.0.0.3", "the owner may"
            (config,) = node_configs([node], Secret(KEY))
            assert config.agent is not None
            assert config.agent.api_key is None, "what did not prove itself is not shown the key"


async def test_a_node_of_the_file_that_moved_is_proposed_only() -> None:
    async with running(dialect="ollama", host="127.0.0.2") as fake, house(("ollama", fake.port)) as home:
        (found,) = await home.look()
        moved = replace(found, state=State.MOVED, node="desk")
        home.nodes[NodeId("desk")] = NodeConfig(NodeId("desk"), "10.0.0.1")
        with pytest.raises(Conflict, match=r"stands in potluck.yaml. Write 'address: 127.0.0.2'"):
            await home.discovery._accept_move(moved)


async def test_what_is_announced_is_asked_with_its_machines_usual_ports() -> None:
    async with running(dialect="ollama", host="127.0.0.2") as fake, agent_at("127.0.0.2", key=KEY) as port:
        told = [
            Announced(AGENT, ("127.0.0.2",), port, "f" * 32, "liar"),
            Announced(AGENT, ("8.8.8.8", "not an address"), port),
            Announced("ollama", ("127.0.0.2",), 1),
        ]
        browser = FakeBrowser(told, refuses=0)
        async with house(("ollama", fake.port), browser=browser, networks=()) as home:
            home.discovery.begin()
            browser.changed.set()
            async with asyncio.timeout(20):
                while not home.discovery.proposals():
                    await asyncio.sleep(0.02)
            (found,) = home.discovery.proposals()
            assert (found.grade, found.ways) == (Grade.PROVEN, {Way.MDNS})
            assert found.machine != "f" * 32, "what it says itself counts"
            assert [each.port for each in found.engines] == [fake.port]
            assert home.discovery.ways() == module.Ways(mdns=True, networks=(), scanned_s=0.0)


async def test_the_hour_between_two_scans_holds_across_starts_and_not_for_the_owner() -> None:
    async with running(dialect="ollama", host="127.0.0.2") as fake, house(("ollama", fake.port)) as home:
        home.discovery.begin()
        async with asyncio.timeout(20):
            while not home.discovery.proposals():
                await asyncio.sleep(0.02)
        scanned = home.discovery.ways().scanned_s
        assert time.time() - scanned < 20
        asked = len(fake.requests)
        discovery = await home.open()
        await discovery._look(scan=discovery.clock() - discovery.kept.scanned_s >= module.SCAN_S)
        assert (len(fake.requests), discovery.ways().scanned_s) == (asked, scanned)
        await asyncio.gather(discovery.look(), discovery.look())
        assert len(fake.requests) - asked == asked, "two who ask wait for one look"
        assert discovery.ways().scanned_s > scanned


async def test_what_is_stored_and_is_no_such_thing_counts_as_nothing() -> None:
    store = MemorySettings()
    store.values[ACCEPTED] = [{"name": 3}]
    kept = Kept(store, time.time)
    await kept.read()
    assert kept.accepted == {}
    assert await kept.move("gone", "127.0.0.9", 1.0, proven=True) is None


async def test_a_look_without_news_writes_nothing() -> None:
    async with running(dialect="ollama", host="127.0.0.2") as fake:
        browser = FakeBrowser([Announced("ollama", ("127.0.0.2",), fake.port)])
        async with house(("ollama", fake.port), browser=browser, networks=()) as home:
            home.discovery._listening = browser
            await home.look()
            writes = home.store.writes
            await home.look()
            assert home.store.writes == writes
            assert len(home.discovery.proposals()) == 1


# --- strangers ---

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def stranger(talk: Talk) -> AsyncGenerator[int]:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(session, "127.0.0.2", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        writer.write(b"[")
        await writer.drain()
        await asyncio.sleep(0.05)


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000000\r\n\r\n")
    while True:
        writer.write(b" " * 65536)
        await writer.drain()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")


def says(body: bytes, status: str = "200 OK") -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)

    return talk


@pytest.mark.parametrize(
    "talk",
    [
        silent,
        drip,
        flood,
        garbage,
        says(b"<html>"),
        says(b"{}"),
        says(b"[" * 100_000),
        says(b'{"error": "x"}', "401 No"),
    ],
)
@pytest.mark.parametrize("kind", ["ollama", "llamacpp", "openai", AGENT])
async def test_a_stranger_costs_bounded_time(talk: Talk, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "ANSWER_S", 0.4)
    async with stranger(talk) as port, house((kind, port)) as home:
        async with asyncio.timeout(10):
            seen = await home.discovery.prober.look("127.0.0.2", port, kind)
    # One that says {} to everything is an OpenAI-compatible server without models, as far as anybody can tell.
    assert seen is None or not seen.models


async def test_what_a_stranger_says_is_made_harmless() -> None:
    evil = b'{"machine": "\\u001b[2J' + b"m" * 500 + b'", "host": "x\\n\\u202ey", "proof": "00"}'
    async with stranger(says(evil)) as port, house((AGENT, port)) as home:
        (found,) = await home.look()
    assert found.agent is not None
    assert (found.grade, found.name) == (Grade.CLAIMED, "x-y") or found.name == "xy"
    assert found.agent.machine.isprintable()
    assert len(found.agent.machine) <= 64


async def test_a_key_is_never_shown_to_a_stranger() -> None:
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))

    async with stranger(listen) as port, house((AGENT, port)) as home:
        await home.look()
    assert heard
    assert all(b"Proof " in each and KEY.encode() not in each for each in heard)


async def test_an_older_agent_tells_with_its_reading() -> None:
    async def older(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            there = head.startswith(b"GET /reading")
            body = b'{"identity": {"machine": "abc", "host": "old"}}' if there else b"{}"
            status = b"200 OK" if there else b"404 Not Found"
            writer.write(b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body))

    async with stranger(older) as port, house((AGENT, port)) as home:
        (found,) = await home.look()
    assert (found.machine, found.name, found.grade) == ("abc", "old", Grade.CLAIMED)


def test_usual_addresses_may_be_asked_and_others_not() -> None:
    assert core.private(core.ipaddress.ip_address("192.168.1.4"))
    assert not core.private(core.ipaddress.ip_address("1.1.1.1"))


async def test_where_is_looked_changes_while_it_runs() -> None:
    async with (
        running("m", dialect="ollama", host="127.0.0.2") as fake,
        house(("ollama", fake.port), networks=()) as home,
    ):
        discovery = home.discovery
        assert await home.look() == []
        quiet = discovery.where
        discovery.reconfigure(msgspec.structs.replace(quiet, networks=(NETWORK,)), discovery.prober, None)
        async with asyncio.timeout(20):
            while not discovery.proposals():
                await asyncio.sleep(0.01)
        (found,) = discovery.proposals()
        assert found.address == "127.0.0.2"
        await discovery.accept(found.id, "box")
        # Looked at no more, what was only seen is forgotten; what was accepted is not.
        discovery.reconfigure(quiet, discovery.prober, None)
        assert discovery.ways().networks == ()
        assert not any(each.ways for each in discovery.kept.book.values())
        assert [node.name for node in discovery.accepted()] == ["box"]


async def test_listening_begins_and_ends_with_the_configuration() -> None:
    async with running("m", dialect="ollama", host="127.0.0.2") as fake, house(("ollama", 1), networks=()) as home:
        discovery = home.discovery
        browser = FakeBrowser([Announced("ollama", ("127.0.0.2",), fake.port)])
        browser.changed.set()
        discovery.reconfigure(discovery.where, discovery.prober, browser)
        async with asyncio.timeout(20):
            while not discovery.proposals():
                await asyncio.sleep(0.01)
        assert discovery.ways().mdns
        ear = discovery._ear
        discovery.reconfigure(discovery.where, discovery.prober, browser)
        assert discovery._ear is ear, "who listens already goes on"
        discovery.reconfigure(discovery.where, discovery.prober, None)
        assert not discovery.ways().mdns
        await asyncio.wait([ear])
        assert ear.cancelled()
        assert discovery._listening is None
