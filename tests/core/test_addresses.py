from __future__ import annotations

import ipaddress

import pytest

from potluck.core.addresses import is_public, read_address


@pytest.mark.parametrize("text", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_what_is_out_on_the_internet_is_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1", "192.168.1.154", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1",
     "fe80::1", "fd00::1", "::ffff:192.168.1.1", "64:ff9b::7f00:1", "2002:7f00:1::"],
)  # fmt: skip
def test_what_is_inside_is_not(text: str) -> None:
    address = read_address(text)
    assert address is not None
    assert not is_public(address)


def test_a_zone_is_no_part_of_an_address_and_a_name_is_none() -> None:
    assert read_address("fe80::1%eth0") == ipaddress.ip_address("fe80::1")
    assert read_address("agx0.local") is None
