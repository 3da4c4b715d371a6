"""A reading comes over the wire as it left, and what cannot be one is refused."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from potluck.core.errors import MalformedAnswer
from potluck.core.reading import Cpu, Disk, Gpu, Identity, Memory, Network, Power, Reading, Temperature
from potluck.wire.agent import read_reading

FULL = Reading(
    age_s=1.5,
    uptime_s=100.0,
    identity=Identity("m", "agx0", "b"),
    memory=Memory(64, 40, 8, 7),
    cpu=Cpu(12, 0.25),
    gpus=(Gpu("g", True, 0.7, memory_used_bytes=3),),
    temperatures=(Temperature("cpu-thermal", 48.7),),
    power=(Power("VDD_IN", 11.9),),
    disks=(Disk("/models", 100, 60),),
    networks=(Network("eth0", 5, 6),),
)


def test_a_reading_arrives_as_it_left() -> None:
    assert read_reading(json.dumps(asdict(FULL)).encode()) == FULL


def test_what_an_older_agent_leaves_out_and_a_newer_one_adds_is_no_matter() -> None:
    assert read_reading(b'{"memory": {"total_bytes": 5, "ecc": true}, "fans": [1]}') == Reading(memory=Memory(5))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Ollama is running",
        b"[]",
        b'{"memory": 5}',
        b'{"uptime_s": NaN}',
        b'{"gpus": [{"load": 1.5}]}',
        b'{"memory": {"total_bytes": 5, "available_bytes": 6}}',
        b'{"disks": [{"path": "/"}]}',
        b'{"identity": {"host": "\xff"}}',
        b'{"temperatures": [' + b'{"sensor": "x", "celsius": 1},' * 10_000 + b'{"sensor": "x", "celsius": 1}]}',
    ],
    ids=range(10),
)
def test_a_lie_and_a_stranger_are_refused(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        read_reading(body)
