"""Many questions in the background: checked when they are asked, answered one by one, each answer kept."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from potluck.core.call import Call, ChatCall
from potluck.core.errors import BadRequest, Forbidden, ModelNotFound, NodeUnreachable, PotluckError, QueueFull
from potluck.core.jobs import JobState, Priority
from potluck.core.model import KeyId, UserId
from potluck.core.scheduling.classes import Kind
from potluck.core.scopes import Scope
from potluck.gateway.picture_progress import Progresses
from potluck.gateway.port import Caller
from potluck.jobs.chat import AT_ONCE, ChatJob, prepare, run
from potluck.jobs.kinds import KINDS
from potluck.jobs.port import Tools
from potluck.storage.jobs import JobId, JobRecord, Part
from tests.jobs.world import words
from tests.surfaces.v1.world import ANNA, FakeCalls, Script, says


@dataclass
class FakeWork:
    """A try whose parts are kept in memory."""

    request: str
    total: int
    kept: frozenset[int] = frozenset()
    last_try: bool = False
    again: bool = False
    parts: dict[int, Any] = field(default_factory=dict)

    @property
    def record(self) -> JobRecord:
        return JobRecord(
            JobId("j1"), ANNA.user, ANNA.key, "chat", "", Priority.NORMAL, JobState.RUNNING,
            0.0, 0.0, None, 0.0, 0, False, 0, self.total, 2, None,
        )  # fmt: skip

    async def keep(self, *parts: Part) -> None:
        for part in parts:
            assert part.number not in self.parts
            self.parts[part.number] = json.loads(part.content)

    async def note(self, name: str, data: object) -> None:
        raise AssertionError("not used")


def work(*requests: Any, **more: Any) -> FakeWork:
    prepared = prepare(ChatJob(list(requests), "m"), ANNA)
    return FakeWork(prepared.request, prepared.total, **more)


def tools(script: Script, caller: Caller | None = ANNA) -> tuple[Tools, FakeCalls]:
    calls = FakeCalls(script)
    none: Any = None
    return Tools(calls, none, Progresses(), lambda key: caller, words), calls


def asked(call: Call) -> str:
    assert isinstance(call, ChatCall)
    return call.messages[-1].text


def test_the_kind_is_in_the_table() -> None:
    assert KINDS["chat"].asked is ChatJob


async def test_every_question_is_answered_in_the_class_batch_a_few_at_a_time() -> None:
    job = work(*(f"question {number}" for number in range(10)))
    given, calls = tools(lambda call: says(f"to {asked(call)}"))
    await run(job, given)
    assert [job.parts[number]["text"] for number in range(10)] == [f"to question {number}" for number in range(10)]
    assert set(calls.kinds) == {Kind.BATCH}
    assert calls.most_open <= AT_ONCE
    assert job.parts[3]["usage"] == {"prompt_tokens": 7, "completion_tokens": 1}
    assert (job.parts[3]["node"], job.parts[3]["finish"]) == ("agx0", "stop")


async def test_what_was_answered_before_a_crash_is_not_asked_again() -> None:
    job = work("a", "b", "c", kept=frozenset({0, 2}))
    given, calls = tools(lambda call: says("x"))
    await run(job, given)
    assert list(job.parts) == [1]
    assert [asked(call) for call in calls.calls] == ["b"]


async def test_requests_are_as_of_chat_completions_and_a_custom_id_comes_back() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    request = {
        "custom_id": "mine",
        "model": "big",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "max_tokens": 5,
        "stream": True,
        "tools": [tool],
    }
    job = work(request)
    given, calls = tools(lambda call: says("x"))
    await run(job, given)
    (call,) = calls.calls
    assert isinstance(call, ChatCall)
    assert (call.model, call.sampling.max_tokens, call.tools[0].name) == ("big", 5, "f")
    assert [message.text for message in call.messages] == ["be brief", "hi"]
    assert job.parts[0]["custom_id"] == "mine"


async def test_a_question_that_cannot_be_answered_costs_the_others_nothing() -> None:
    def script(call: Call) -> Any:
        return ModelNotFound("m") if asked(call) == "b" else says("x")

    job = work("a", "b", "c")
    await run(job, tools(script)[0])
    assert job.parts[1]["error"] == {"type": "ModelNotFound", "message": "model 'm' not found", "hint": ""}
    assert "error" not in job.parts[0]


@pytest.mark.parametrize("last_try", [False, True])
async def test_what_time_may_mend_waits_for_the_next_try_if_there_is_one(last_try: bool) -> None:
    def script(call: Call) -> Any:
        return NodeUnreachable("away") if asked(call) == "b" else says("x")

    job = work("a", "b", "c", last_try=last_try)
    given, _ = tools(script)
    if last_try:
        await run(job, given)
        assert job.parts[1]["error"]["message"] == "away"
    else:
        with pytest.raises(NodeUnreachable):
            await run(job, given)
        assert sorted(job.parts) == [0, 2]


async def test_what_only_waits_waits_also_on_the_last_try() -> None:
    def script(call: Call) -> Any:
        return QueueFull("full", retry_after_s=9.0) if asked(call) == "b" else NodeUnreachable("away")

    job = work("a", "b", last_try=True)
    with pytest.raises(QueueFull):
        await run(job, tools(script)[0])
    assert sorted(job.parts) == [0]


async def test_a_key_that_was_revoked_meanwhile_ends_the_job() -> None:
    with pytest.raises(Forbidden):
        await run(work("a", "b"), tools(lambda call: says("x"), caller=None)[0])


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({}, "requests[1].messages"),
        ({"messages": [{"role": "wat", "content": "x"}]}, "requests[1].messages[0].role"),
        ({"messages": [{"role": "user", "content": "x"}], "n": 2}, "requests[1].n"),
        ({"messages": [{"role": "user", "content": "x"}], "custom_id": 7}, "requests[1].custom_id"),
        ({"messages": [{"role": "user", "content": "x"}], "temperature": "hot"}, "requests[1].temperature"),
    ],
)
def test_a_request_that_is_wrong_is_refused_before_anything_is_kept(request_: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        prepare(ChatJob(["fine", request_]), ANNA)
    assert caught.value.param == param


def test_a_key_that_may_not_ask_for_a_model_is_told_at_once() -> None:
    caller = Caller(KeyId("k"), "k", UserId("u"), scope=Scope(None, ("small",)))
    prepare(ChatJob(["hi"], "small"), caller)
    with pytest.raises(PotluckError, match="may not ask for 'big'"):
        prepare(ChatJob(["hi", {"model": "big", "messages": [{"role": "user", "content": "x"}]}], "small"), caller)
