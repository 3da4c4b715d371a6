from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import BadRequest, PayloadTooLarge, QuotaExceeded
from potluck.core.files import (
    LONGEST_NAME,
    NO_QUOTA,
    Quotas,
    checked_file_name,
    checked_media_type,
    checked_purpose,
    disposition,
    is_file_id,
    shown_inline,
)
from potluck.core.people import Role


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("a.txt", "a.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\dir\\x y.txt", "x y.txt"),
        ("", "file"),
        (".", "file"),
        ("..", "file"),
        ("a/", "file"),
        ("\r\nSet-Cookie: a=b", "Set-Cookie: a=b"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("Größe 文.pdf", "Größe 文.pdf"),
        ("x" * 999, "x" * LONGEST_NAME),
        ("\ud800a", "a"),
    ],
)
def test_a_name_is_kept_without_path_and_without_what_cannot_be_seen(told: str, kept: str) -> None:
    assert checked_file_name(told) == kept


@given(st.text())
def test_whatever_a_name_is_it_is_no_path_and_breaks_no_header(told: str) -> None:
    name = checked_file_name(told)
    assert 1 <= len(name) <= LONGEST_NAME
    assert not set("/\\\r\n\0") & set(name)
    assert name not in (".", "..")
    assert checked_file_name(name) == name
    header = disposition(name, "text/html")
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("text/plain; charset=utf-8", "text/plain"),
        ("Image/PNG", "image/png"),
        ("", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("a/b\r\nx: y", "application/octet-stream"),
    ],
)
def test_what_is_no_media_type_is_bytes(told: str, kept: str) -> None:
    assert checked_media_type(told) == kept


@pytest.mark.parametrize(
    ("told", "name", "kept"),
    [
        ("", "a.PNG", "image/png"),
        ("application/x-www-form-urlencoded", "a.txt", "text/plain"),
        ("application/octet-stream", "a.pdf", "application/pdf"),
        ("text/csv", "a.png", "text/csv"),
        ("", "png", "image/png"),
        ("", "a.unheard-of", "application/octet-stream"),
    ],
)
def test_where_nobody_told_a_type_the_name_does(told: str, name: str, kept: str) -> None:
    assert checked_media_type(told, name) == kept


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/pdf", "text/xml", "text/css"])
def test_what_can_run_something_is_saved_and_not_shown(media_type: str) -> None:
    assert not shown_inline(media_type)
    assert disposition("a", media_type).startswith("attachment;")


@pytest.mark.parametrize("media_type", ["image/png", "text/plain", "video/mp4", "audio/mpeg"])
def test_what_runs_nothing_is_shown(media_type: str) -> None:
    assert disposition("a", media_type) == "inline; filename=\"a\"; filename*=UTF-8''a"


@pytest.mark.parametrize("told", ["", "x", "file-", "file-\0", "file-ä", "file-a/b", "file-a b", "file-" + "a" * 81])
def test_what_can_be_no_files_id_is_known(told: str) -> None:
    assert is_file_id("file-01a2184c24de3ef6")
    assert not is_file_id(told)


def test_purposes_are_openais() -> None:
    assert checked_purpose("batch") == "batch"
    with pytest.raises(BadRequest, match="no purpose") as caught:
        checked_purpose("world domination")
    assert caught.value.param == "purpose"


def test_a_users_own_quota_goes_before_its_roles() -> None:
    quotas = Quotas(roles={Role.MEMBER: 10}, users={"Anna": 50})
    assert quotas.of("anna", Role.MEMBER) == 50
    assert quotas.of("bert", Role.MEMBER) == 10
    assert quotas.of("gast", Role.GUEST) == 0
    assert Quotas().of("owner", Role.OWNER) == NO_QUOTA


def test_a_quota_that_is_passed_is_told_with_its_figures() -> None:
    error = QuotaExceeded(7, 10)
    assert isinstance(error, PayloadTooLarge)
    assert "7 of 10 bytes" in str(error)
    assert "Delete some" in str(error)
