"""The agent's words of HTTP: who may read what, and that both forms say the same."""

from __future__ import annotations

import json
from dataclasses import asdict
from http.client import HTTPResponse
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from potluck.agent.exposition import METRICS, exposition
from potluck.agent.http import PAGES, answer, read_head
from potluck.core import proving
from potluck.core.reading import (
    Cpu,
    Disk,
    Gpu,
    Identity,
    Memory,
    Network,
    Power,
    Reading,
    Temperature,
)

KEY = "a-key-of-twenty-four-chars"
FULL = Reading(
    age_s=1.5,
    uptime_s=100.0,
    identity=Identity("m" * 32, "agx0", "b"),
    memory=Memory(64, 40, 8, 7),
    cpu=Cpu(12, 0.25),
    gpus=(Gpu('odd "name"\\', False, 0.5, 24, 20, 4, 58.0, 215.3), Gpu("g", True, 0.7)),
    temperatures=(Temperature("cpu-thermal", 48.7),),
    power=(Power("VDD_IN", 11.9),),
    disks=(Disk("/models", 100, 60),),
    networks=(Network("eth0", 5, 6),),
)


class _Wire(BytesIO):
    def makefile(self, mode: str) -> BytesIO:
        return self


def asked(method: str, path: str, *, key: str = "", ours: str = "", reading: Reading = FULL) -> tuple[int, bytes]:
    """The status and the body of an answer, read as a client of HTTP reads it."""
    head = f"{method} {path} HTTP/1.1\r\nhost: x\r\n" + (f"Authorization: bearer  {key}\r\n" if key else "") + "\r\n"
    raw = answer(read_head(head.encode()), ours, lambda: reading)
    response = HTTPResponse(_Wire(raw), method=method)  # type: ignore[arg-type]
    response.begin()
    return response.status, response.read()


def test_the_reading_is_json_with_every_field() -> None:
    status, body = asked("GET", "/reading")
    assert (status, json.loads(body)) == (200, json.loads(json.dumps(asdict(FULL))))


def test_the_same_stands_in_prometheus_words() -> None:
    status, body = asked("GET", "/metrics?x=1")
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    assert status == 200
    assert {metric.name.removesuffix("_total") for metric in METRICS} == {
        name.removesuffix("_total") for name in families
    }
    loads = families["potluck_agent_gpu_load"].samples
    assert [(sample.labels, sample.value) for sample in loads] == [
        ({"gpu": "0", "name": 'odd "name"\\'}, 0.5),
        ({"gpu": "1", "name": "g"}, 0.7),
    ]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_has_the_labels_that_it_is_documented_with(metric) -> None:
    samples = list(metric.samples(FULL))
    assert samples
    assert {tuple(labels) for labels, _ in samples} == {metric.labels}


def test_what_a_machine_does_not_tell_is_not_on_the_page() -> None:
    page = exposition(Reading())
    assert [line.split("{")[0].split(" ")[0] for line in page.splitlines() if not line.startswith("#")] == [
        "potluck_agent_info",
        "potluck_agent_reading_age_seconds",
    ]


@pytest.mark.parametrize("path", ["/reading", "/metrics", "/elsewhere"])
@pytest.mark.parametrize("key", ["", "wrong", KEY[:-1], KEY + "x", "käy"])
def test_without_the_key_nothing_is_told_not_even_what_there_is(path: str, key: str) -> None:
    status, body = asked("GET", path, key=key, ours=KEY)
    assert status == 401
    assert b"agx0" not in body


@pytest.mark.parametrize("path", list(PAGES))
def test_with_the_key_everything_is(path: str) -> None:
    assert asked("GET", path, key=KEY, ours=KEY)[0] == 200


def test_that_it_lives_is_told_to_anybody() -> None:
    assert asked("GET", "/healthz", ours=KEY) == (200, b'{"status": "ok"}')


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("POST", "/reading", 405), ("HEAD", "/reading", 200)]
)
def test_other_questions_have_their_statuses(method: str, path: str, status: int) -> None:
    assert asked(method, path)[0] == status


@given(st.one_of(st.binary(max_size=200), st.just(b"GET /reading HTTP/1.1\r\nauthorization\r\n: \r\n\r\n")))
def test_every_head_has_an_answer(head: bytes) -> None:
    assert answer(read_head(head), KEY, lambda: FULL).startswith(b"HTTP/1.1 4")


def test_who_proves_to_have_the_key_learns_who_the_machine_is_and_gets_a_proof_back() -> None:
    nonce = "00" * 16

    def identity(proof: str, ours: str = KEY) -> tuple[int, dict[str, str]]:
        head = (
            f"GET /identity HTTP/1.1\r\nauthorization: Proof {proof}\r\n\r\n" if proof else "GET /identity HTTP/1.1\r\n"
        )
        raw = answer(read_head(head.encode()), ours, lambda: FULL)
        return int(raw.split()[1]), json.loads(raw.partition(b"\r\n\r\n")[2])

    status, told = identity(proving.asking(KEY, nonce))
    assert (status, told["machine"], told["host"]) == (200, "m" * 32, "agx0")
    assert proving.proves(KEY, nonce, told["machine"], told["proof"])
    assert identity(proving.asking("another-key-of-ours", nonce))[0] == 401
    assert identity("")[0] == 401
    assert identity("", ours="") == (200, {"machine": "m" * 32, "host": "agx0", "proof": ""})
    assert asked("GET", "/identity", key=KEY, ours=KEY)[0] == 200


def test_a_proof_opens_nothing_but_the_identity() -> None:
    head = f"GET /reading HTTP/1.1\r\nauthorization: Proof {proving.asking(KEY, '00')}\r\n\r\n"
    assert answer(read_head(head.encode()), KEY, lambda: FULL).startswith(b"HTTP/1.1 401 ")
