"""Where the service is looked for, and who gets which key."""

from __future__ import annotations

from pathlib import Path

import pytest

from potluck.cli.failure import CliError
from potluck.cli.service import Service, find


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "address").write_text("http://192.168.1.5:9000\n")
    (tmp_path / "owner.key").write_text("pk-owner\n")
    return tmp_path


def test_the_data_directory_tells_where_its_service_is_and_opens_it(data: Path) -> None:
    assert find("", "", data) == Service("http://192.168.1.5:9000", "pk-owner")


def test_options_win_over_the_data_directory(data: Path) -> None:
    assert find("https://pot.example/", "pk-mine", data) == Service("https://pot.example", "pk-mine")


def test_the_owners_key_is_not_sent_to_a_foreign_address(data: Path) -> None:
    assert find("http://10.0.0.9:8420", "", data).key == ""
    assert find("http://localhost.evil.example:8420", "", data).key == ""


@pytest.mark.parametrize("url", ["http://127.0.0.1:1234", "http://localhost:8420", "http://[::1]:8420"])
def test_the_owners_key_opens_services_on_this_machine(data: Path, url: str) -> None:
    assert find(url, "", data).key == "pk-owner"


def test_without_anything_the_usual_address_is_tried(tmp_path: Path) -> None:
    assert find("", "", tmp_path / "nothing") == Service("http://127.0.0.1:8420")


def test_a_host_and_port_alone_are_a_url(tmp_path: Path) -> None:
    assert find("box:8420", "", tmp_path).url == "http://box:8420"


@pytest.mark.parametrize("url", ["ftp://box", "http://", "http://box:99999", "http://box:0"])
def test_what_is_no_url_is_refused_as_wrong_usage(tmp_path: Path, url: str) -> None:
    with pytest.raises(CliError) as caught:
        find(url, "", tmp_path)
    assert caught.value.code == 2
