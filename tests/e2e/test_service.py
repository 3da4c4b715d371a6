"""The service as a process: how it starts, refuses to start, reloads, stops, and dies."""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.e2e import processes
from tests.e2e.processes import until

POTLUCK = [sys.executable, "-m", "potluck.cli", "up"]


def refused(data: Path, *arguments: str) -> str:
    """What a start that must fail says."""
    done = subprocess.run(
        [*POTLUCK, "--data", str(data), "--no-local", "--port", "0", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd="/",
    )
    assert done.returncode == 1
    assert "ready" not in done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


def test_liveness_needs_no_key_and_everything_else_does(tmp_path: Path) -> None:
    with processes.service(tmp_path, "--no-local") as service:
        with urllib.request.urlopen(service.url + "/healthz") as answer:
            assert json.load(answer) == {"status": "ok"}
        with urllib.request.urlopen(service.url + "/") as answer:
            assert answer.read() == b"Ollama is running"
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(service.url + "/v1/models")
        with error.value as refusal:
            assert refusal.code == 401


def test_sigterm_ends_it_with_0_and_takes_its_traces_away(tmp_path: Path) -> None:
    with processes.service(tmp_path, "--no-local") as service:
        assert (service.data / "run" / "address").read_text().strip() == service.url
        assert (service.data / "owner.key").stat().st_mode & 0o777 == 0o600
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(10) == 0
        assert not (service.data / "run" / "address").exists()


def test_a_key_outlives_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        with processes.service(tmp_path, "--no-local") as service:
            key = service.key
            assert service.get("/api/v1/status")["engines"] == 0
    assert (service.data / "owner.key").read_text().strip() == key


def test_the_first_start_says_where_the_owners_key_is_and_never_what_it_is(tmp_path: Path) -> None:
    with processes.service(tmp_path, "--no-local") as service:
        said = service.log.read_text()
        assert str(service.data / "owner.key") in said
        assert service.key not in said
        assert "no engine" in said


def test_the_first_start_prints_a_link_by_which_the_owner_is_set_up_once(tmp_path: Path) -> None:
    def posted(path: str, body: dict[str, str]) -> int:
        request = urllib.request.Request(service.url + path, json.dumps(body).encode(), method="POST")
        try:
            with urllib.request.urlopen(request) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return int(error.code)

    with processes.service(tmp_path, "--no-local") as service:
        (link,) = re.findall(r"http://\S+/setup\?token=\w+", service.log.read_text())
        assert link.startswith(service.url)
        with urllib.request.urlopen(link) as page:
            assert "script-src 'self'" in page.headers["content-security-policy"]
        accepted = {"token": link.partition("token=")[2], "name": "Olga", "password": "correct horse battery"}
        accept = "/api/v1/invitations/accept"
        assert [posted(accept, accepted), posted(accept, accepted)] == [201, 404]
    with processes.service(tmp_path, "--no-local") as service:
        assert "/setup?token=" not in service.log.read_text()
        assert posted("/api/v1/sessions", {"name": "olga", "password": "correct horse battery"}) == 201
        assert service.get("/api/v1/users/me")["name"] == "Olga"


def test_a_second_service_on_the_same_data_is_told_so(tmp_path: Path) -> None:
    with processes.service(tmp_path, "--no-local") as service:
        assert "Another Potluck runs on the data directory" in refused(service.data)


def test_a_second_service_on_the_same_sqlite_file_is_told_so(tmp_path: Path) -> None:
    config = tmp_path / "potluck.yaml"
    config.write_text(f'storage: {{database: "sqlite:///{tmp_path}/potluck.db"}}\n')
    with processes.service(tmp_path, "--no-local", "--config", str(config)):
        said = refused(tmp_path / "other", "--config", str(config))
    assert f"Another Potluck uses the database {tmp_path}/potluck.db." in said
    assert "PostgreSQL" in said


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(tmp_path / "data", "--port", str(port))
    assert f"Cannot listen on 127.0.0.1 port {port}: the port is taken." in said
    assert "--port" in said


def test_an_address_that_is_not_this_machines_is_named(tmp_path: Path) -> None:
    said = refused(tmp_path / "data", "--host", "192.0.2.1")
    assert "this machine has no such address. Choose another with --host." in said


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in refused(tmp_path / "file" / "data")


def test_a_database_from_the_future_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with processes.service(tmp_path, "--no-local") as service:
        data = service.data
    with sqlite3.connect(data / "potluck.db") as database:
        database.execute("update alembic_version set version_num = '9999'")
    database.close()
    said = refused(data)
    assert "newer" in said


def test_a_broken_config_is_told_by_line(tmp_path: Path) -> None:
    config = tmp_path / "potluck.yaml"
    config.write_text("nodes:\n  a: {address: h, engines: [{kind: olama, port: 1}]}\nrotues: {}\n")
    said = refused(tmp_path / "data", "--config", str(config))
    assert f"{config}:2" in said
    assert f"{config}:3" in said
    assert "ollama" in said
    assert "routes" in said


def test_sighup_takes_a_sound_config_and_keeps_the_old_one_for_a_broken_one(tmp_path: Path) -> None:
    config = tmp_path / "potluck.yaml"
    with (
        processes.fake("--dialect", "openai", "--model", "one") as first,
        processes.fake("--dialect", "openai", "--model", "two") as second,
    ):

        def say(*ports: int) -> str:
            engines = ", ".join(f"{{kind: openai, port: {port}}}" for port in ports)
            return f"nodes: {{here: {{address: 127.0.0.1, engines: [{engines}]}}}}\n"

        config.write_text(say(first.port))
        with processes.service(tmp_path, "--config", str(config)) as service:

            def models() -> set[str]:
                return {model["id"] for model in service.get("/v1/models")["data"]} - {"auto"}

            until(lambda: models() == {"one"})
            config.write_text("nodes: [")
            service.process.send_signal(signal.SIGHUP)
            until(lambda: "old one stays" in service.log.read_text())
            assert models() == {"one"}
            config.write_text(say(first.port, second.port))
            service.process.send_signal(signal.SIGHUP)
            until(lambda: models() == {"one", "two"})
            config.write_text(say(second.port))
            service.process.send_signal(signal.SIGHUP)
            until(lambda: models() == {"two"})


@pytest.mark.model
def test_no_child_outlives_a_service_that_is_killed(tmp_path: Path) -> None:
    command = [*POTLUCK, "--data", str(tmp_path / "data"), "--port", "0", "--local"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd="/") as service:
        assert service.stdout is not None
        assert service.stdout.readline().startswith("ready ")
        children = psutil.Process(service.pid).children(recursive=True)
        assert children
        service.kill()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive


@pytest.mark.model
def test_a_model_that_crashes_comes_back_and_the_call_after_it_is_answered(tmp_path: Path) -> None:
    with processes.service(tmp_path) as service:
        (child,) = psutil.Process(service.process.pid).children(recursive=True)
        child.kill()
        body = {"model": "smollm2:135m", "max_tokens": 3, "messages": [{"role": "user", "content": "hi"}]}
        request = urllib.request.Request(
            service.url + "/v1/chat/completions",
            json.dumps(body).encode(),
            {"authorization": f"Bearer {service.key}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer)["choices"][0]["finish_reason"]
        (engine,) = service.get("/api/v1/nodes")["nodes"][0]["engines"]
        assert sum(each["restarts"] for each in engine["children"]) == 1
