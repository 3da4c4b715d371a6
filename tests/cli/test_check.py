"""``potluck check`` and ``potluck reload``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Whole, refusal

BAD = "nodes:\n  agx0: {address: 10.0.0.1, engines: [{kind: ollama, prot: 1}]}\nserver: {port: 70000}\n"


@pytest.fixture
def bad(tmp_path: Path) -> str:
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    return str(file)


@pytest.fixture
def good(tmp_path: Path) -> str:
    file = tmp_path / "good.yaml"
    file.write_text("server: {port: 9000}\n")
    return str(file)


def test_every_error_has_its_line_as_editors_want_it(run: Run, bad: str) -> None:
    result = run("check", "--config", bad)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["error"] * len(lines)
    assert lines[0].startswith(f"{bad}:2:")
    assert lines[-1].startswith(f"{bad}:3:")


def test_a_good_file_is_ok(run: Run, good: str) -> None:
    assert run("check", "--config", good).stdout == "ok\n"


def test_without_a_file_the_defaults_are_ok(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("check")
    assert (result.exit_code, result.stdout) == (0, "ok\n")
    assert "defaults" in result.stderr


def test_the_file_that_lies_here_is_checked(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "potluck.yaml").write_text("server: {prot: 1}\n")
    result = run("check")
    assert result.exit_code == 1
    assert result.stdout.startswith("potluck.yaml:1:")


def test_a_file_that_is_not_there_is_wrong_usage(run: Run) -> None:
    assert run("check", "--config", "gone.yaml").exit_code == 2


def test_json_holds_the_same(run: Run, bad: str, good: str) -> None:
    document = json.loads(run("check", "--config", bad, "--json").stdout)
    assert document["ok"] is False
    assert document["problems"][0]["line"] == 2
    assert json.loads(run("check", "--config", good, "--json").stdout)["ok"] is True


def test_the_schema_is_one_for_editors(run: Run) -> None:
    schema = json.loads(run("check", "--schema").stdout)
    assert {"nodes", "routes", "server"} <= set(schema["properties"])


# --- reload --------------------------------------------------------------------------------------------------------


def test_a_bad_file_is_not_even_offered_to_the_service(service: FakeService, ask: Run, bad: str) -> None:
    result = ask("reload", "--config", bad)
    assert result.exit_code == 1
    assert f"{bad}:2:" in result.stderr
    assert service.asked == []


def test_a_reload_tells_what_changed(service: FakeService, ask: Run, good: str) -> None:
    service.on("POST /api/v1/reload", Whole({"changed": ["routes", "server"], "restart": ["server"]}))
    result = ask("reload", "--config", good)
    assert result.stdout == "Reloaded. Changed: routes, server.\n"
    assert result.stderr == "After a restart only: server.\n"


def test_a_service_that_cannot_reload_says_so(service: FakeService, ask: Run, good: str) -> None:
    service.on("POST /api/v1/reload", refusal("There is no such path.", status=404))
    result = ask("reload", "--config", good)
    assert result.exit_code == 1
    assert "cannot reload its configuration yet" in result.stderr
