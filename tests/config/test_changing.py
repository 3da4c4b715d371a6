"""What may be changed without the file, and every setting with where it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from potluck.config.changeable import CHANGEABLE, changed
from potluck.config.effective import HIDDEN, Setting, settings
from potluck.config.load import load
from potluck.config.model import Config
from potluck.core.errors import BadRequest
from potluck.core.model import Json

FILE = """\
server: {port: 9000}
queue:
  depth: 100
storage: {database: "postgresql://me:geheim@db/potluck"}
nodes:
  agx0:
    address: 192.168.1.154
    engines:
      - {kind: ollama, port: 11434, slots: 4}
      - {kind: openai, url: "http://h:8000", api_key: "${TOKEN}", models: [a, b]}
routes:
  chat: {models: [llama3.2, mistral], weights: {agx0: 80}}
usage: {keep: "${DAYS}"}
"""
ENV = {"TOKEN": "sehr-geheim", "DAYS": "90d"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "potluck.yaml"
    path.write_text(FILE)
    return path


def by_key(found: list[Setting]) -> dict[str, Setting]:
    assert len({each.key for each in found}) == len(found)
    return {each.key: each for each in found}


def test_what_is_said_goes_before_the_file(file: Path) -> None:
    config = load(file, ENV)
    said: dict[str, Json] = {"queue.depth": 7, "queue.max_wait": "2m", "portal.name": " Home  AI "}
    now = changed(config, said)
    assert (now.queue.depth, now.queue.max_wait_s, now.portal.name) == (7, 120.0, "Home AI")
    assert (now.nodes, now.server) == (config.nodes, config.server)
    assert changed(config, {}) is config


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("queue.depth", 0, "queue.depth must be at least 1"),
        ("queue.depth", True, "queue.depth must be a number"),
        ("queue.max_wait", "soon", "queue.max_wait must"),
        ("portal.name", "x" * 61, "portal.name must be a name"),
        ("server.port", 80, "cannot be changed while the service runs"),
        ("queue", 3, "cannot be changed"),
        ("nodes.agx0", 3, "cannot be changed"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(key: str, value: Json, says: str) -> None:
    with pytest.raises(BadRequest) as refused:
        changed(Config(), {key: value})
    assert says in refused.value.message
    assert refused.value.param == key


def test_everything_that_can_be_changed_takes_its_default(file: Path) -> None:
    found = by_key(settings(None, {}, Config()))
    assert CHANGEABLE.keys() <= found.keys()
    for key in CHANGEABLE:
        default: Json = found[key].default
        if found[key].type == "true or false":
            default = default == "true"
        elif found[key].type == "whole number":
            default = int(str(default))
        assert changed(Config(), {key: default}) == Config()
        assert found[key].changeable


def test_each_setting_tells_where_it_comes_from(file: Path) -> None:
    running = load(file, ENV)
    found = by_key(settings(file, {"queue.depth": 7}, running))
    assert (found["queue.depth"].value, found["queue.depth"].source, found["queue.depth"].line) == (7, "portal", 3)
    assert (found["server.port"].value, found["server.port"].source, found["server.port"].line) == (9000, "file", 1)
    assert (found["server.host"].value, found["server.host"].source) == (None, "default")
    assert (found["server.host"].default, found["queue.max_wait"].default) == ("127.0.0.1", "5m")
    assert (found["usage.keep"].value, found["usage.keep"].source) == ("${DAYS}", "environment")
    assert found["usage.keep"].description == "The sums by day that `potluck usage` tells."
    assert found["nodes.agx0.address"].value == "192.168.1.154"
    assert found["nodes.agx0.engines[0].slots"].value == 4
    assert found["nodes.agx0.engines[1].models"].value == ["a", "b"]
    assert (found["routes.chat.models"].value, found["routes.chat.weights.agx0"].value) == (["llama3.2", "mistral"], 80)
    assert not found["nodes.agx0.address"].changeable


def test_secrets_are_never_shown(file: Path) -> None:
    found = by_key(settings(file, {}, load(file, ENV)))
    assert found["storage.database"].value == HIDDEN
    assert found["storage.redis"].value is None
    assert found["nodes.agx0.engines[1].api_key"].value == HIDDEN
    assert "geheim" not in str(found)
    assert found["nodes.agx0.engines[1].api_key"].source == "environment"


def test_the_command_line_goes_before_the_file(file: Path) -> None:
    running = load(file, ENV)
    running = replace(running, server=replace(running.server, port=8421))
    port = by_key(settings(file, {}, running))["server.port"]
    assert (port.value, port.source) == (8421, "command line")


def test_what_the_file_says_in_short_is_shown_in_full(tmp_path: Path) -> None:
    short = tmp_path / "potluck.yaml"
    short.write_text("queue: {depth: 5}\nlocal: false\n")
    found = by_key(settings(short, {}, load(short, {})))
    enabled = found["local.enabled"]
    assert (enabled.value, enabled.source, enabled.line) == (False, "file", 2)
    assert "local" not in found


def test_a_file_that_is_gone_or_broken_since_is_told_as_far_as_it_can_be(tmp_path: Path) -> None:
    assert by_key(settings(tmp_path / "gone.yaml", {}, Config()))["queue.depth"].source == "default"
    broken = tmp_path / "broken.yaml"
    broken.write_text("queue: {depth: 5}\nunknown_key: {password: geheim}\n")
    found = by_key(settings(broken, {}, Config()))
    assert found["queue.depth"].value == 5
    assert found["unknown_key.password"].value == HIDDEN
