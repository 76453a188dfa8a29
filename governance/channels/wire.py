"""Posting to an address that somebody of a tenant typed in, without being led astray.

The host is resolved once, every address it has is judged, and the connection goes to one of those:
a name that answers otherwise a moment later leads nowhere. TLS is verified for the host's name.
Redirects are not followed and proxies of the environment are not used.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

import httpx
from django.conf import settings

from governance.channels.message import NotTaken
from governance.rules import addresses
from governance.rules.addresses import BadAddress, Target

#: For connecting, and for each time that the receiver falls silent; and for an answer to begin, and
#: to end.
_SILENCE, _WHOLE = 5, 20
#: What is read of an answer, and how many of a host's addresses are tried.
_MOST_READ, _MOST_ADDRESSES = 65_536, 3
_SAID = 200
_LASTING = frozenset({HTTPStatus.GONE, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})


def post(url: str, body: bytes, headers: Mapping[str, str], *, at: datetime) -> int:
    """Post a body; the status of the receiver's answer, which is 200 to 299.

    Raises:
        NotTaken: the address is not to be connected to, nothing answers there, or not so.
    """
    try:
        target = addresses.target(url)
    except BadAddress as error:
        raise NotTaken(str(error), lasting=True) from None
    resolved = _resolved(target)
    with httpx.Client(
        verify=_trust(settings.APPORTION.webhook_ca_bundle),
        timeout=httpx.Timeout(_SILENCE),
        follow_redirects=False,
        trust_env=False,
    ) as client:
        failure = NotTaken("The host has no address.")
        for address in resolved:
            try:
                return _post(client, target, address, body, headers, at=at)
            except httpx.ConnectError as error:
                failure = NotTaken(f"Cannot connect: {error}")
    raise failure


def check(url: str) -> Target:
    """Where a webhook's address leads, judged without asking any name server.

    What a name leads to is judged whenever something is sent there.

    Raises:
        BadAddress: it is of another form, or written as an address that is not public.
    """
    target = addresses.target(url)
    if (literal := _literal(target.host)) and (why := _refusal(literal, target)):
        raise BadAddress(f"It leads to an address that is not allowed: {why}.")
    return target


def _literal(host: str) -> str | None:
    """The address that a host is written as, in whatever way; None: it is a name."""
    try:
        return str(ip_address(host)) if ":" in host else socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _refusal(address: str, target: Target) -> str | None:
    exceptions = addresses.allowed(settings.APPORTION.webhook_private_hosts)
    return addresses.refusal(address, host=target.host, exceptions=exceptions)


def _resolved(target: Target) -> tuple[str, ...]:
    """The host's addresses: all of them may be connected to."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotTaken(f"The name {target.host} cannot be resolved.") from None
    resolved = tuple(dict.fromkeys(str(one[4][0]) for one in found))[:_MOST_ADDRESSES]
    for address in resolved:
        if why := _refusal(address, target):
            says = f"Refused: {target.host} leads to an address that is not allowed ({why})."
            raise NotTaken(says, lasting=True)
    return resolved


def _post(
    client: httpx.Client,
    target: Target,
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    at: datetime,
) -> int:
    literal = f"[{address}]" if ":" in address else address
    patience = _Patience(_WHOLE)
    request = client.build_request(
        "POST",
        f"https://{literal}:{target.port}{target.path}",
        content=body,
        headers={**headers, "Host": target.netloc, "User-Agent": "Apportion"},
        extensions={"sni_hostname": target.host, "trace": patience.watch},
    )
    try:
        with patience:
            answer = client.send(request, stream=True)
        try:
            return _judged(answer, _said(answer), at=at)
        finally:
            answer.close()
    except httpx.ConnectError:
        raise
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        if patience.ended:
            raise NotTaken(f"It did not answer within {_WHOLE} seconds.") from None
        raise NotTaken(f"No usable answer: {type(error).__name__} {error}".rstrip()) from None


class _Patience:
    """Ends a connection whose answer has not begun after so many seconds.

    A receiver that sends a byte of a header now and then is never silent for long, and no timeout
    of a single read ends that. Waiting for the handshake has its own end.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._socket: socket.socket | None = None
        self.ended = False

    def __enter__(self) -> None:
        """The time runs from when the connection is made: see `watch`."""

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """What httpx says of the course of a request."""
        if event == "connection.start_tls.complete":
            self._socket = info["return_value"].get_extra_info("socket")
            self._timer.start()

    def _end(self) -> None:
        self.ended = True
        if self._socket is not None:
            with suppress(OSError):  # it is closed already
                # Past TLS, whose end the receiver would have to take part in.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _said(answer: httpx.Response) -> str:
    """The beginning of what was answered: read for so long and so far, and no more."""
    until, read = time.monotonic() + _WHOLE, b""
    for part in answer.iter_raw():
        read += part
        if len(read) > _MOST_READ or time.monotonic() > until:
            break
    text = read[: _SAID * 4].decode("utf-8", "replace")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:_SAID]


def _judged(answer: httpx.Response, said: str, *, at: datetime) -> int:
    status = answer.status_code
    if answer.is_success:
        return status
    if answer.is_redirect:
        raise NotTaken("It redirects elsewhere, which is not followed.", status=status)
    raise NotTaken(
        f"It answered {status}{': ' + said if said else ''}",
        status=status,
        after=_asked(answer.headers.get("Retry-After"), at=at),
        lasting=status in _LASTING,
    )


def _asked(header: str | None, *, at: datetime) -> float | None:
    """How long a receiver asks to be left alone, in seconds: as a number or as a date."""
    if not header:
        return None
    if header.isascii() and header.isdecimal():
        return int(header[:9])
    try:
        then = parsedate_to_datetime(header)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max((then - at).total_seconds(), 0)


@lru_cache(maxsize=4)
def _trust(bundle: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if bundle:
        context.load_verify_locations(bundle)
    return context
