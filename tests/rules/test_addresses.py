"""Which addresses a webhook may have, and which of its host's addresses may be connected to."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.rules import addresses
from governance.rules.addresses import BadAddress

NOTHING = addresses.allowed(())
HOST = "hooks.example.com"

NOT_PUBLIC = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.1.1",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.7",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:168.63.129.16",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert addresses.refusal(address, host=HOST, exceptions=NOTHING)


@pytest.mark.parametrize(
    "address", ["13.107.6.152", "52.112.0.1", "::ffff:52.112.0.1", "2603:1020:201::1"]
)
def test_what_is_public_may_be_connected_to(address: str) -> None:
    assert addresses.refusal(address, host=HOST, exceptions=NOTHING) is None


@given(st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address))
def test_an_address_is_judged_alike_in_whatever_form_it_is_written(
    plain: ipaddress.IPv4Address,
) -> None:
    mapped, translated = (
        f"::ffff:{plain}",
        str(ipaddress.IPv6Address((0x64FF9B << 96) | int(plain))),
    )
    refused = addresses.refusal(str(plain), host=HOST, exceptions=NOTHING) is not None
    for form in (mapped, translated):
        assert (addresses.refusal(form, host=HOST, exceptions=NOTHING) is not None) is refused


def test_a_host_or_network_that_the_installation_names_is_let_through() -> None:
    some = addresses.allowed(["Hooks.corp.example", ".in.example", "10.1.0.0/16", "fd12::/48"])
    assert addresses.refusal("10.9.0.1", host="hooks.corp.example", exceptions=some) is None
    assert addresses.refusal("192.168.0.1", host="a.in.example", exceptions=some) is None
    assert addresses.refusal("10.1.2.3", host=HOST, exceptions=some) is None
    assert addresses.refusal("::ffff:10.1.2.3", host=HOST, exceptions=some) is None
    assert addresses.refusal("fd12::7", host=HOST, exceptions=some) is None
    assert addresses.refusal("10.2.0.1", host=HOST, exceptions=some)
    assert addresses.refusal("10.9.0.1", host="xin.example", exceptions=some)


@pytest.mark.parametrize("address", ["169.254.169.254", "168.63.129.16", "fe80::1", "224.0.0.1"])
def test_a_named_host_still_does_not_lead_to_metadata(address: str) -> None:
    named = addresses.allowed([HOST])
    assert addresses.refusal("10.0.0.1", host=HOST, exceptions=named) is None
    assert addresses.refusal(address, host=HOST, exceptions=named)
    told = addresses.allowed([f"{address}/32" if "." in address else f"{address}/128"])
    assert addresses.refusal(address, host=HOST, exceptions=told) is None


@pytest.mark.parametrize("entry", ["10.0.0.0/99", "10.0.0.256", "::gg", "10.0.0.1/8"])
def test_an_exception_that_is_no_network_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        addresses.allowed([entry])


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://hooks.example.com", "hooks.example.com", 443, "/"),
        ("https://Hooks.Example.com./a?b=c&d", "hooks.example.com", 443, "/a?b=c&d"),
        ("https://example.com:8443/x", "example.com", 8443, "/x"),
        ("https://[2603:1020::1]:444/", "2603:1020::1", 444, "/"),
    ],
)
def test_an_address_is_read(url: str, host: str, port: int, path: str) -> None:
    found = addresses.target(url)
    assert (found.host, found.port, found.path) == (host, port, path)


def test_what_may_be_a_secret_is_not_shown() -> None:
    assert addresses.target("https://h.example:444/T0/B0/xyz?sig=1").shown == (
        "https://h.example:444/…"
    )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com/x",
        "http://hooks.example.com/",
        "HTTP://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://user@hooks.example.com/",
        "https://user:secret@hooks.example.com/",
        "https://@hooks.example.com/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:port/",
        "https://hooks.example.com/#fragment",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com/\r\nHost: x",
        "https://hooks.example.com/\t",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\0",
        "https://bücher.example/",
        "https://[::1/",
        "https://hooks.example.com/" + "x" * 2000,
    ],
)
def test_an_address_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(BadAddress) as refused:
        addresses.target(url)
    assert refused.value.values["fix"]
