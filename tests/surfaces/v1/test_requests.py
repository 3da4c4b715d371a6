from __future__ import annotations

import msgspec
from msgspec.structs import replace

from potluck.core.model import EngineId, ModelId, NodeId, RequestId
from potluck.core.scheduling.explain import Candidate
from potluck.gateway.port import Caller
from potluck.storage.records import AttemptRecord, CallStatus, RequestFilter, RequestRecord

from .world import ANNA, BERT, OWNER, World


def record(name: str, caller: Caller, time_s: float = 1_750_000_000.0) -> RequestRecord:
    return RequestRecord(
        id=RequestId(name),
        time_s=time_s,
        family="openai",
        asked_model="coder",
        status=CallStatus.OK,
        http_status=200,
        total_s=1.5,
        key=caller.key,
        user=caller.user,
        served_model=ModelId("coder:1b"),
        node=NodeId("agx0"),
        engine=EngineId("agx0/ollama:11434"),
        attempts=(AttemptRecord(EngineId("agx0/ollama:11434"), "ok"),),
        candidates=(Candidate("orin0/ollama:11435", "coder:1b", "not up"),),
        prompt_tokens=5,
    )


RECORD = record("r", ANNA)


async def world() -> World:
    made = World()
    await made.requests.add([record("a", ANNA), record("b", BERT, 1_750_000_009.0)])
    return made


async def test_a_request_tells_why_its_node_was_chosen() -> None:
    info = (await (await world()).ask("GET", "/api/v1/requests/a")).json()
    assert (info["at"], info["node"], info["model"]) == ("2025-06-15T15:06:40.000Z", "agx0", "coder:1b")
    assert [(one["engine"], one["chosen"], one["reason"], one["run"]) for one in info["candidates"]] == [
        ("orin0/ollama:11435", False, "not up", None)
    ]
    assert info["usage"]["prompt_tokens"] == 5


async def test_the_figures_of_a_decision_are_told_as_they_were() -> None:
    made = World()
    engine = EngineId("agx0/ollama:11434")
    chosen = Candidate(engine, "coder:1b", "chosen", 0.5, 0.4, 0.1, first_s=0.8, finish_s=4.000049)
    await made.requests.add([msgspec.structs.replace(record("a", ANNA), candidates=(chosen,))])
    info = (await made.ask("GET", "/api/v1/requests/a")).json()
    figures = {"run": 0.5, "own": 0.4, "harm": 0.1, "first_s": 0.8, "finish_s": 4.0}
    assert figures.items() <= info["candidates"][0].items()
    assert (info["candidates"][0]["chosen"], info["candidates"][0]["prior"]) == (True, 1.0)


async def test_the_decision_is_made_once_more_from_what_is_kept() -> None:
    made = World()
    agx0, orin0 = EngineId("agx0/ollama:11434"), EngineId("orin0/ollama:11435")
    chosen = Candidate(agx0, "coder:1b", "chosen", 0.5, 0.4, 0.1)
    dearer = Candidate(orin0, "coder:1b", "another place is better", 0.8, 0.8)
    cheaper = Candidate(orin0, "coder:1b", "another place is better", 0.2, 0.2)
    for name, other in (("a", dearer), ("b", cheaper)):
        kept = msgspec.structs.replace(record(name, ANNA), candidates=(other, chosen))
        await made.requests.add([kept])
    told = [(await made.ask("GET", f"/api/v1/requests/{name}")).json()["replay"] for name in ("a", "b")]
    assert told == [
        {"engine": agx0, "model": "coder:1b", "same": True, "rule": "cost"},
        {"engine": orin0, "model": "coder:1b", "same": False, "rule": "cost"},
    ]


async def test_everybody_sees_their_own_calls_in_line_and_the_owner_all() -> None:
    made = World()
    for caller, seen in ((ANNA, [1, 3]), (BERT, [2]), (OWNER, [1, 2, 3])):
        told = (await made.ask("GET", "/api/v1/queue", caller=caller)).json()
        assert (told["waiting"], [call["position"] for call in told["calls"]]) == (3, seen)
    theirs = {"user": "name of bert", "waiting": 1, "served_s": 0.5}
    assert (await made.ask("GET", "/api/v1/queue", caller=BERT)).json()["users"] == [theirs]
    assert len((await made.ask("GET", "/api/v1/queue", caller=OWNER)).json()["users"]) == 2
    first = (await made.ask("GET", "/api/v1/queue", caller=BERT)).json()["calls"][0]
    assert first == {
        "id": "q2",
        "position": 2,
        "model": "coder",
        "kind": "review",
        "waited_s": 2.5,
        "eta_s": 16.0,
        "user": "name of bert",
    }


async def test_a_call_that_has_just_ended_is_there() -> None:
    made = await world()
    made.unwritten = [record("c", ANNA)]
    assert (await made.ask("GET", "/api/v1/requests/c")).status == 200
    made.unwritten = [record("d", ANNA)]
    listed = (await made.ask("GET", "/api/v1/requests", caller=ANNA)).json()["requests"]
    assert "d" in [info["id"] for info in listed]


async def test_others_see_their_own_and_the_owner_everybodys() -> None:
    made = await world()
    for caller, seen in ((ANNA, ["a"]), (BERT, ["b"]), (OWNER, ["b", "a"])):
        listed = (await made.ask("GET", "/api/v1/requests", caller=caller)).json()["requests"]
        assert [info["id"] for info in listed] == seen
    assert (await made.ask("GET", "/api/v1/requests/b", caller=ANNA)).status == 404
    assert (await made.ask("GET", "/api/v1/requests/b", caller=OWNER)).status == 200
    assert (await made.ask("GET", "/api/v1/requests/none", caller=OWNER)).status == 404


async def test_a_query_narrows_the_list() -> None:
    made = await world()
    query = "limit=1&model=coder&node=agx0&status=ok&before=2025-06-15T15:06:45Z"
    assert (await made.ask("GET", f"/api/v1/requests?{query}", caller=OWNER)).status == 200
    assert made.requests.asked == RequestFilter(
        node=NodeId("agx0"), model="coder", status=CallStatus.OK, before_s=1_750_000_005.0
    )


async def test_a_time_without_its_zone_is_refused() -> None:
    served = await (await world()).ask("GET", "/api/v1/requests?before=2025-06-15T15:06:45")
    assert (served.status, served.json()["error"]["param"]) == (400, "before")


async def test_pages_leave_out_no_call_of_the_same_moment() -> None:
    made = World()
    made.requests.records = [replace(RECORD, id=RequestId(f"r{number}"), time_s=5.0) for number in range(5)]
    found: list[str] = []
    path = "/api/v1/requests?limit=2"
    following: str | None = ""
    while following is not None:
        page = (await made.ask("GET", f"{path}&cursor={following}", caller=OWNER)).json()
        found += [each["id"] for each in page["requests"]]
        following = page["next"]
    assert found == ["r4", "r3", "r2", "r1", "r0"]
    assert (await made.ask("GET", f"{path}&cursor=no", caller=OWNER)).json()["error"]["param"] == "cursor"


async def test_the_owner_asks_for_somebodys_calls_and_others_get_their_own() -> None:
    made = World()
    asked = "/api/v1/requests?user=bert&rescued=true&retried=true&since=2025-06-15T15:06:40Z"
    for caller, user in ((OWNER, BERT.user), (ANNA, ANNA.user)):
        await made.ask("GET", asked, caller=caller)
        assert made.requests.asked is not None
        assert made.requests.asked.user == user
        assert (made.requests.asked.rescued, made.requests.asked.retried) == (True, True)
        assert made.requests.asked.since_s == 1_750_000_000.0
    assert (await made.ask("GET", "/api/v1/requests?user=nobody", caller=OWNER)).status == 404


async def test_a_timeline_can_be_drawn_of_attempts() -> None:
    made = World()
    broke = AttemptRecord(EngineId("a/x"), "NodeFailed", "cut", 0.5, 2.0)
    went_on = AttemptRecord(EngineId("b/x"), "ok", "It went on by raw_prefix.", 2.25, 4.0)
    only = AttemptRecord(EngineId("a/x"), "ok")
    made.requests.records = [
        replace(RECORD, id=RequestId("two"), attempts=(broke, went_on)),
        replace(RECORD, id=RequestId("one"), attempts=(only,), queue_s=0.25, total_s=3.0),
    ]
    two = (await made.ask("GET", "/api/v1/requests/two", caller=OWNER)).json()
    one = (await made.ask("GET", "/api/v1/requests/one", caller=OWNER)).json()
    assert [(each["began_s"], each["ended_s"]) for each in two["attempts"]] == [(0.5, 2.0), (2.25, 4.0)]
    assert [(each["began_s"], each["ended_s"]) for each in one["attempts"]] == [(0.25, 3.0)]
    assert (two["rescued"], one["rescued"]) == (True, False)
