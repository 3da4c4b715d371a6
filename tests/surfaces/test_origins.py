"""Which web pages may call."""

from __future__ import annotations

import pytest

from potluck.surfaces.origins import EVERY, Origins


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        "https://localhost:8443",
        "http://127.0.0.1:3000",
        "http://[::1]:5173",
        "http://0.0.0.0:80",
        "app://obsidian.md",
        "tauri://localhost",
        "vscode-webview://1f0c",
        "file://",
    ],
)
def test_pages_of_this_machine_and_desktop_programs_may_call(origin: str) -> None:
    assert f"access-control-allow-origin: {origin}\r\n".encode() in Origins().fields(origin.encode())


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        "http://localhost.evil.example",
        "http://localhost:80.evil.example",
        "http://localhost@evil.example",
        "xhttp://localhost",
        "http://127.0.0.10",
        "http://localhost:",
        "http://lo\u0107alhost",
    ],
)
def test_other_pages_may_not(origin: str) -> None:
    assert Origins().fields(origin.encode()) == b""


def test_the_owner_names_others_and_no_more_than_those() -> None:
    origins = Origins(["https://chat.example.org"])
    assert origins.fields(b"https://chat.example.org")
    assert origins.fields(b"http://localhost:1")
    assert not origins.fields(b"https://chatxexample.org")
    assert not origins.fields(b"https://chat.example.org.evil.example")


def test_the_owner_may_let_every_page_in() -> None:
    assert Origins([EVERY]).fields(b"https://any.example")


def test_what_is_remembered_of_strangers_is_bounded() -> None:
    origins = Origins()
    for number in range(2000):
        assert not origins.fields(b"https://%d.example" % number)
    assert len(origins._fields) <= 256
