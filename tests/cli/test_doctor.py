from __future__ import annotations

import json
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from potluck.cli import diagnosis
from potluck.cli.diagnosis import Finding, Folder, Listening, Verdict
from potluck.config.problems import ConfigProblem, Severity
from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Whole

HERE = Path("/data")
GB = 10**9


def found(**more: object) -> Folder:
    return Folder(**{"path": HERE, "exists": True, "writable": True, "free_bytes": 50 * GB, **more})  # type: ignore[arg-type]


def verdicts(findings: list[Finding]) -> list[Verdict]:
    return [finding.verdict for finding in findings]


@pytest.mark.parametrize(("version", "verdict"), [((3, 10, 9), "fail"), ((3, 11, 0), "ok"), ((3, 14, 1), "ok")])
def test_an_old_python_fails(version: tuple[int, int, int], verdict: str) -> None:
    assert diagnosis.python(version).verdict == verdict


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        (found(), ["ok", "ok"]),
        (found(exists=False), ["ok", "ok"]),
        (found(writable=False), ["fail"]),
        (found(mode=0o755), ["warn", "ok"]),
        (found(free_bytes=GB), ["ok", "warn"]),
        (found(free_bytes=10**6), ["ok", "fail"]),
    ],
)
def test_a_data_directory_must_be_writable_private_and_roomy(folder: Folder, expected: list[str]) -> None:
    assert verdicts(diagnosis.folder(folder)) == expected


@pytest.mark.parametrize(("mode", "verdict"), [(None, "ok"), (0o600, "ok"), (0o640, "fail"), (0o604, "fail")])
def test_a_key_that_others_can_read_fails(mode: int | None, verdict: str) -> None:
    assert diagnosis.key_file(HERE / "owner.key", mode).verdict == verdict


@pytest.mark.parametrize(
    ("severities", "verdict"), [([], "ok"), ([Severity.WARNING], "warn"), ([Severity.WARNING, Severity.ERROR], "fail")]
)
def test_the_configuration_is_as_bad_as_its_worst_problem(severities: list[Severity], verdict: str) -> None:
    problems = [ConfigProblem("f", 1, 1, "x", severity=severity) for severity in severities]
    assert diagnosis.config(Path("f"), problems).verdict == verdict


@pytest.mark.parametrize(("who", "verdict"), [("potluck", "ok"), ("free", "ok"), ("taken", "fail")])
def test_a_port_that_another_program_has_fails(who: str, verdict: str) -> None:
    assert diagnosis.port(Listening("http://127.0.0.1:8420", who)).verdict == verdict


@pytest.mark.parametrize(
    ("wanted", "missing", "verdict"), [(True, [], "ok"), (True, ["x"], "warn"), (False, ["x"], "ok"), (False, [], "ok")]
)
def test_the_embedded_model_matters_only_where_it_is_wanted(wanted: bool, missing: list[str], verdict: str) -> None:
    assert diagnosis.embedded(wanted, missing).verdict == verdict


@pytest.mark.parametrize(
    ("free", "wanted", "verdict"), [(GB, True, "ok"), (10**8, True, "warn"), (10**8, False, "ok"), (None, True, "ok")]
)
def test_memory_is_tight_for_a_model_only(free: int | None, wanted: bool, verdict: str) -> None:
    assert diagnosis.memory(free, wanted).verdict == verdict


@pytest.mark.parametrize(
    ("now", "newest", "verdict"), [(1.8e9, 1.7e9, "ok"), (0.0, 0.0, "fail"), (1.8e9, 1.8e9 + 90_000, "warn")]
)
def test_a_clock_that_cannot_be_right_is_told(now: float, newest: float, verdict: str) -> None:
    assert diagnosis.clock(now, newest).verdict == verdict


def test_a_remedy_stands_below_what_it_mends() -> None:
    shown = diagnosis.lines([Finding("a", Verdict.OK, "fine", "x"), Finding("long", Verdict.FAIL, "bad", "mend it")])
    assert shown == "ok    a     fine\nfail  long  bad\n            -> mend it"


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A configuration whose port is free and whose engine is away."""
    with socket.create_server(("127.0.0.1", 0)) as own, socket.create_server(("127.0.0.1", 0)) as engine:
        ports = own.getsockname()[1], engine.getsockname()[1]
    file = tmp_path / "potluck.yaml"
    file.write_text(
        f"server: {{port: {ports[0]}}}\n"
        f"nodes:\n  n: {{address: 127.0.0.1, engines: [{{kind: ollama, port: {ports[1]}}}]}}\n"
    )
    return str(file)


def checks(run: Run, *arguments: str) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(run("doctor", "--json", *arguments).stdout)["checks"]}


def test_the_doctor_looks_at_everything(run: Run, config: str) -> None:
    seen = checks(run, "--config", config)
    assert {
        "python",
        "data directory",
        "disk",
        "owner key",
        "config",
        "port",
        "embedded model",
        "memory",
        "clock",
    } < set(seen)
    (engine,) = [check for name, check in seen.items() if name.startswith("engine ")]
    assert engine["verdict"] == "warn"
    assert "firewall" in engine["remedy"]


def test_a_warning_alone_is_no_failure(run: Run, config: str) -> None:
    assert run("doctor", "--config", config).exit_code == 0


def test_what_will_not_work_is_a_failure(run: Run, tmp_path: Path, config: str) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "owner.key").write_text("pk-x")
    (data / "owner.key").chmod(0o644)
    result = run("doctor", "--config", config)
    assert result.exit_code == 1
    assert "chmod 600" in result.stdout


def test_a_running_potluck_is_recognised(service: FakeService, run: Run, tmp_path: Path, config: str) -> None:
    (tmp_path / "data" / "run").mkdir(parents=True)
    (tmp_path / "data" / "run" / "address").write_text(service.url)
    assert checks(run, "--config", config)["port"]["message"] == f"{service.url} runs Potluck"


def test_another_program_on_the_port_is_a_failure(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        file = tmp_path / "potluck.yaml"
        file.write_text(f"server: {{port: {other.getsockname()[1]}}}\n")
        assert checks(run, "--config", str(file))["port"]["verdict"] == "fail"


def test_drained_nodes_of_a_running_potluck_are_not_forgotten(
    service: FakeService, run: Run, tmp_path: Path, config: str
) -> None:
    (tmp_path / "data" / "run").mkdir(parents=True)
    (tmp_path / "data" / "run" / "address").write_text(service.url)
    counts = dict.fromkeys(("nodes", "engines", "engines_up", "models", "slots", "busy", "waiting"), 1)
    status = {"version": "1", "started_at": "2026-11-26T07:00:00Z", "uptime_s": 1.0, **counts, "drained": ["agx0"]}
    service.on("GET /api/v1/status", Whole(status))
    shown = run("doctor", "--config", config).stdout
    assert "It is drained: no call goes there." in shown
    assert "-> potluck nodes resume agx0" in shown


def test_a_database_that_potluck_would_not_start_with_is_a_failure(run: Run, tmp_path: Path, config: str) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    assert "database" not in checks(run, "--config", config)
    with closing(sqlite3.connect(data / "potluck.db")) as database, database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('0001')")
    assert checks(run, "--config", config)["database"]["verdict"] == "ok"
    with closing(sqlite3.connect(data / "potluck.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    told = checks(run, "--config", config)["database"]
    assert (told["verdict"], "newer version" in told["message"]) == ("fail", True)
    (data / "potluck.db").write_bytes(b"no database" * 100)
    assert "damaged" in checks(run, "--config", config)["database"]["message"]
    assert run("doctor", "--config", config).exit_code == 1


def test_a_redis_that_is_not_there_is_a_warning(run: Run, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and listens to nobody
        file = tmp_path / "potluck.yaml"
        file.write_text(f"storage: {{redis: 'redis://127.0.0.1:{taken.getsockname()[1]}/0'}}\n")
        told = checks(run, "--config", str(file))["redis"]
    assert (told["verdict"], told["message"]) == ("warn", "Redis does not answer.")
    assert diagnosis.redis("7.0.15", "", "").verdict is Verdict.OK
