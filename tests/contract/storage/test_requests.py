import pytest
from msgspec.structs import replace

from potluck.core.errors import NotFound
from potluck.core.model import EngineId, KeyId, ModelId, NodeId, RequestId, UserId
from potluck.core.scheduling.explain import Candidate
from potluck.storage.cursors import Mark
from potluck.storage.ports import Storage
from potluck.storage.records import AttemptRecord, CallStatus, RequestFilter, RequestRecord

FULL = RequestRecord(
    id=RequestId("r1"),
    time_s=1000.25,
    family="openai",
    asked_model="chat",
    status=CallStatus.OK,
    http_status=200,
    total_s=3.5,
    key=KeyId("k"),
    user=UserId("u"),
    route="chat",
    served_model=ModelId("llama3.2:latest"),
    node=NodeId("agx0"),
    engine=EngineId("agx0/ollama:11434"),
    attempts=(
        AttemptRecord(EngineId("orin0/ollama:11435"), "NodeUnreachable", "refused “it”"),
        AttemptRecord(EngineId("agx0/ollama:11434"), "ok"),
    ),
    candidates=(Candidate("agx0/ollama:11434", "llama3.2:latest", "chosen", 0.25, 0.2, 0.05),),
    queue_s=0.125,
    first_byte_s=0.5,
    prompt_tokens=10,
    completion_tokens=20,
    cached_tokens=3,
    estimated=True,
    error="",
)
BARE = RequestRecord(
    id=RequestId("r2"),
    time_s=1001.0,
    family="ollama",
    asked_model="nope",
    status=CallStatus.CLIENT_ERROR,
    http_status=404,
    total_s=0.001,
    error="model 'nope' not found",
)


async def test_records_come_back_whole(storage: Storage) -> None:
    await storage.requests.add([FULL, BARE])
    assert await storage.requests.get(FULL.id) == FULL
    assert await storage.requests.get(BARE.id) == BARE
    with pytest.raises(NotFound):
        await storage.requests.get(RequestId("r3"))


async def test_a_batch_can_be_tried_again(storage: Storage) -> None:
    await storage.requests.add([])
    await storage.requests.add([FULL])
    await storage.requests.add([replace(FULL, error="changed"), BARE, replace(BARE, error="twice")])
    assert await storage.requests.get(FULL.id) == FULL
    assert await storage.requests.get(BARE.id) == BARE


async def test_a_large_batch_is_no_trouble(storage: Storage) -> None:
    many = [replace(BARE, id=RequestId(f"{number:05}"), time_s=float(number)) for number in range(2500)]
    await storage.requests.add(many)
    await storage.requests.add(many)
    assert await storage.requests.recent(limit=2) == (many[-1], many[-2])
    assert len(await storage.requests.recent(limit=9999)) == 2500


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (None, ["r2", "r1"]),
        (RequestFilter(), ["r2", "r1"]),
        (RequestFilter(user=UserId("u")), ["r1"]),
        (RequestFilter(node=NodeId("agx0")), ["r1"]),
        (RequestFilter(model="chat"), ["r1"]),
        (RequestFilter(model="llama3.2:latest"), ["r1"]),
        (RequestFilter(status=CallStatus.CLIENT_ERROR), ["r2"]),
        (RequestFilter(before_s=1001.0), ["r1"]),
        (RequestFilter(since_s=1001.0), ["r2"]),
        (RequestFilter(after=Mark(1001.0, "r2")), ["r1"]),
        (RequestFilter(after=Mark(1001.0, "r3")), ["r2", "r1"]),
        (RequestFilter(retried=True), ["r1"]),
        (RequestFilter(retried=False), ["r2"]),
        (RequestFilter(rescued=True), []),
        (RequestFilter(rescued=False), ["r2", "r1"]),
        (RequestFilter(user=UserId("u"), status=CallStatus.CLIENT_ERROR), []),
    ],
)
async def test_the_newest_come_first_and_every_filter_must_hold(storage: Storage, where, found) -> None:
    await storage.requests.add([BARE, FULL])
    assert [each.id for each in await storage.requests.recent(limit=9, where=where)] == found
    assert [each.id for each in await storage.requests.recent(limit=1, where=where)] == found[:1]


async def test_pruning_forgets_what_came_before(storage: Storage) -> None:
    await storage.requests.add([FULL, BARE])
    assert await storage.requests.prune(1001.0) == 1
    assert [each.id for each in await storage.requests.recent(limit=9)] == ["r2"]
    assert await storage.requests.prune(1001.0) == 0


async def test_what_an_engine_says_does_not_pass_for_a_rescue(storage: Storage) -> None:
    engine, other = EngineId("a/x"), EngineId("b/x")
    sly = AttemptRecord(engine, "NodeFailed", '","why":"It went on by lies"},{"engine":"')
    went_on = AttemptRecord(other, "ok", "It went on by raw_prefix.", 1.5, 3.0)
    await storage.requests.add([replace(BARE, attempts=(sly,)), replace(FULL, attempts=(sly, went_on))])
    for where in (RequestFilter(rescued=True), RequestFilter(retried=True)):
        assert [each.id for each in await storage.requests.recent(limit=9, where=where)] == ["r1"]
    assert (await storage.requests.get(FULL.id)).attempts == (sly, went_on)


async def test_pages_leave_out_none_of_one_moment(storage: Storage) -> None:
    await storage.requests.add([replace(BARE, id=RequestId(f"{number:02}"), time_s=5.0) for number in range(7)])
    found: list[str] = []
    where = RequestFilter()
    while page := await storage.requests.recent(limit=3, where=where):
        found += [each.id for each in page]
        where = RequestFilter(after=Mark(page[-1].time_s, page[-1].id))
    assert found == ["06", "05", "04", "03", "02", "01", "00"]
