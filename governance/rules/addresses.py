"""Which addresses a webhook may have. Pure: whoever connects asks about each address it resolved.

A webhook's address is typed in by people of a tenant, and the product stands inside somebody's
network: whatever is not public is refused, unless the installation's settings name it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

from tenancy.refusals import Refused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST = 2000
#: Public in form, and yet a cloud's own: Azure's platform and the metadata of Azure, AWS, Alibaba.
_METADATA = frozenset(
    map(
        ip_address,
        ("168.63.129.16", "169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"),
    )
)
_TRANSLATED = ip_network("64:ff9b::/96")


class BadAddress(Refused):
    code = "webhook-address"
    status = 400
    field = "url"
    text = "{why}"

    def __init__(self, why: str) -> None:
        super().__init__(why=why, fix=why)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook's address leads. ``path`` has the query; ``host`` is in ASCII."""

    host: str
    port: int
    path: str

    @property
    def shown(self) -> str:
        """The address without what may be a secret in its path."""
        return f"https://{self.netloc}/…"

    @property
    def netloc(self) -> str:
        """Host and port as a ``Host`` header has them."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == 443 else f"{name}:{self.port}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the installation lets webhooks reach although it is not public."""

    names: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    def has_name(self, host: str) -> bool:
        return host in self.names or host.endswith(self.suffixes)

    def has_address(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


def allowed(entries: Iterable[str]) -> Allowed:
    """Host names, ``.suffixes``, addresses and networks of a setting.

    Raises:
        ValueError: one of them is none of these.
    """
    names: set[str] = set()
    suffixes: list[str] = []
    networks: list[Network] = []
    for entry in entries:
        if "/" in entry or ":" in entry or entry.replace(".", "").isdigit():
            networks.append(ip_network(entry))
        elif entry.startswith("."):
            suffixes.append(entry.lower())
        else:
            names.add(entry.lower())
    return Allowed(frozenset(names), tuple(suffixes), tuple(networks))


def target(url: str) -> Target:
    """Where a webhook's address leads.

    Raises:
        BadAddress: it is not of the form ``https://host/path``.
    """
    if len(url) > LONGEST or not (url.isprintable() and url.isascii()) or " " in url or "\\" in url:
        raise BadAddress(f"Give a web address of at most {LONGEST} plain characters.")
    try:
        parts = urlsplit(url)
        port = 443 if parts.port is None else parts.port
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        raise BadAddress("This is no web address.") from None
    if parts.scheme != "https":
        raise BadAddress("Use an address that begins with https://.")
    if not host or port == 0 or parts.username is not None or parts.password is not None:
        raise BadAddress("Give a host and no user name, such as https://hooks.example.com/path.")
    if parts.fragment:
        raise BadAddress("Leave out what follows the #: it is never sent.")
    query = f"?{parts.query}" if parts.query else ""
    return Target(host, port, (parts.path or "/") + query)


def refusal(address: str, *, host: str, exceptions: Allowed) -> str | None:
    """Why a host's resolved address must not be connected to; None: it may be.

    A host name that the installation allows may be private or loopback, but never link-local or a
    cloud's metadata: those need their network in the setting.
    """
    found = ip_address(address)
    every = (found, *_inside(found))
    if any(map(exceptions.has_address, every)):
        return None
    named = exceptions.has_name(host)
    return next((why for one in every if (why := _why(one, named_host=named))), None)


def _inside(address: Address) -> tuple[Address, ...]:
    """The IPv4 addresses that an IPv6 address stands for, where it does."""
    if isinstance(address, IPv4Address):
        return ()
    teredo = address.teredo or ()
    translated = IPv4Address(int(address) & 0xFFFFFFFF) if address in _TRANSLATED else None
    found = (address.ipv4_mapped, address.sixtofour, translated, *teredo)
    return tuple(one for one in found if one is not None)


def _why(address: Address, *, named_host: bool) -> str | None:
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or address in _TRANSLATED):
        return None  # what it stands for is asked about by itself
    if address in _METADATA or address.is_link_local:
        return f"{address} is link-local or a cloud's metadata"
    if address.is_multicast or address.is_unspecified:
        return f"{address} is no address of one machine"
    if named_host:
        return None
    if address.is_loopback:
        return f"{address} is loopback"
    return None if address.is_global else f"{address} is not public"
