"""Whose request it is, behind proxies that the owner named and behind those that nobody did."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.addresses import Networks
from potluck.core.whence import MARKS, Whence, whence

PROXIES = Networks(["10.0.0.1", "10.0.1.0/24", "::1"])
NGINX = "10.0.0.1"


def forwarded(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value.encode()) for value in values]


def told(peer: str, *values: str) -> tuple[str, bool, bool]:
    found = whence(peer, forwarded(*values), PROXIES)
    return str(found.address or ""), found.proxied, found.sure


@pytest.mark.parametrize("peer", ["192.168.1.7", "::ffff:192.168.1.7"])
def test_who_is_no_proxy_asks_itself(peer: str) -> None:
    assert told(peer) == ("192.168.1.7", False, True)


@pytest.mark.parametrize("mark", sorted(MARKS))
def test_who_hands_on_without_being_named_is_not_believed_and_not_sure(mark: bytes) -> None:
    found = whence("192.168.1.7", [(b"host", b"h"), (mark, b"127.0.0.1")], PROXIES)
    assert (str(found.address), found.proxied, found.sure) == ("192.168.1.7", False, False)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["192.168.1.7"], ("192.168.1.7", True, True)),
        ([" 192.168.1.7 "], ("192.168.1.7", True, True)),
        (["192.168.1.7:51234"], ("192.168.1.7", True, True)),
        (["[fd00::7]:80"], ("fd00::7", True, True)),
        (["fd00::7"], ("fd00::7", True, True)),
        (["::ffff:192.168.1.7"], ("192.168.1.7", True, True)),
        # What the client said itself stands before what the proxy saw.
        (["192.168.1.7, 203.0.113.9"], ("203.0.113.9", True, False)),
        (["192.168.1.7", "203.0.113.9"], ("203.0.113.9", True, False)),
        # Two named proxies in a row.
        (["192.168.1.7, 10.0.1.8"], ("192.168.1.7", True, True)),
        # Two, with one between them that nobody named.
        (["192.168.1.7, 172.16.0.1, 10.0.1.8"], ("172.16.0.1", True, False)),
        # A proxy asks itself.
        (["10.0.1.8"], ("10.0.1.8", True, True)),
        # Nothing told, or nothing that is an address.
        ([], ("", True, False)),
        ([""], ("", True, False)),
        (["unknown"], ("", True, False)),
        (["192.168.1.7, _hidden"], ("", True, False)),
        (["192.168.1.7,"], ("", True, False)),
        ([", ".join(["10.0.1.8"] * 40)], ("10.0.1.8", True, False)),
        (["192.168.1.7, " + ", ".join(["10.0.1.8"] * 40)], ("10.0.1.8", True, False)),
    ],
)
def test_a_named_proxy_tells_whom_it_heard(values: list[str], expected: tuple[str, bool, bool]) -> None:
    assert told(NGINX, *values) == expected


def test_a_connection_without_an_address_is_nobodys() -> None:
    assert whence("", forwarded("192.168.1.7"), PROXIES) == Whence(None)


def test_what_is_known_best_is_shown() -> None:
    shown = [
        whence(peer, forwarded(*told), PROXIES).shown for peer, told in (("", ()), (NGINX, ()), (NGINX, ("1.2.3.4",)))
    ]
    assert shown == ["", NGINX, "1.2.3.4"]


@given(st.lists(st.sampled_from(["10.0.1.8", "::1", "192.168.1.7", "203.0.113.9", "?"]), max_size=6))
def test_whatever_a_client_says_first_it_is_never_taken_for_another(said: list[str]) -> None:
    """The proxy appends the client's true address to what the client sent."""
    found = whence(NGINX, forwarded(", ".join([*said, "203.0.113.5"])), PROXIES)
    assert (str(found.address), found.proxied) == ("203.0.113.5", True)
    assert found.sure is (not said)
