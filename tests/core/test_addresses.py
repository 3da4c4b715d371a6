from __future__ import annotations

import ipaddress

import pytest

from potluck.core.addresses import Networks, is_local_host, is_public, plain, read_address, read_network


@pytest.mark.parametrize(
    "text",
    ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1", "2606:4700::5efe:808:808"],
)
def test_what_is_out_on_the_internet_is_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1", "192.168.1.154", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1",
     "fe80::1", "fd00::1", "::ffff:192.168.1.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::", "::127.0.0.1", "fec0::1",
     "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a9fe:a9fe", "5f00::1",
     "2001:db8::1", "3fff::1", "2001:0:0:0:0:0:80ff:fffe", "fd00:ec2::254", "::ffff:169.254.169.254", "ff02::1",
     "255.255.255.255", "198.18.0.1"],
)  # fmt: skip
def test_what_is_inside_is_not(text: str) -> None:
    address = read_address(text)
    assert address is not None
    assert not is_public(address)


def test_a_zone_is_no_part_of_an_address_and_a_name_is_none() -> None:
    assert read_address("fe80::1%eth0") == ipaddress.ip_address("fe80::1")
    assert read_address("agx0.local") is None


def test_mapped_ipv4_is_ipv4_in_an_address_and_in_a_network() -> None:
    assert str(plain(ipaddress.ip_address("::ffff:192.168.1.7"))) == "192.168.1.7"
    assert str(plain(ipaddress.ip_address("fd00::7"))) == "fd00::7"
    assert str(read_network("::ffff:192.168.1.0/120")) == "192.168.1.0/24"
    assert str(read_network("fd00::/100")) == "fd00::/100"
    assert str(read_network("::/0")) == "::/0"


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("192.168.1.7", True),
        ("::ffff:192.168.1.7", True),
        ("192.168.2.7", False),
        ("fd00::7", True),
        ("fd01::7", False),
        ("10.0.0.5", True),
    ],
)
def test_an_address_is_in_a_network_or_not(address: str, inside: bool) -> None:
    networks = Networks(["192.168.1.0/24", "fd00::/64", "10.0.0.5"])
    assert (ipaddress.ip_address(address) in networks) is inside
    assert networks
    assert not Networks()
    assert ipaddress.ip_address(address) not in Networks()


@pytest.mark.parametrize(
    "host", ["192.168.1.5:8420", "[fd00::5]:8420", "[::1]", "agx0", "agx0:8420", "agx0.local.", "Box.LAN", "localhost"]
)
def test_a_host_is_local_by_address_or_by_a_name_that_only_the_house_knows(host: str) -> None:
    assert is_local_host(host)


@pytest.mark.parametrize("host", ["", "evil.example", "evil.example:8420", "local.evil.example", ":8420", "[]"])
def test_a_name_of_the_internets_is_not(host: str) -> None:
    assert not is_local_host(host)
