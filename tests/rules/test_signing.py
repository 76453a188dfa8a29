"""What signs a webhook, as its receiver checks it."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.rules import signing

NOW = 1_795_184_400
BODY = b'{"specversion":"1.0"}'


def made(generation: int = 1, *, tenant: int = 1, endpoint: int = 1, master: str = "m" * 32) -> str:
    return signing.secret(master, tenant=tenant, endpoint=endpoint, generation=generation)


def header(*secrets: str, body: bytes = BODY, at: int = NOW) -> str:
    return signing.signature(body, secrets=secrets, timestamp=at)


def test_it_is_what_the_documentation_says() -> None:
    secret = made()
    digest = hmac.new(secret.encode(), f"{NOW}.".encode() + BODY, hashlib.sha256).hexdigest()
    assert header(secret) == f"t={NOW},v1={digest}"


def test_every_endpoint_and_generation_has_a_secret_of_its_own() -> None:
    others = {
        made(),
        made(2),
        made(tenant=2),
        made(endpoint=2),
        made(master="n" * 32),
        # what is put together differs even where its parts read alike
        made(1, tenant=11, endpoint=1),
        made(1, tenant=1, endpoint=11),
    }
    assert len(others) == 7
    assert all(secret.startswith("whsec_") and len(secret) == 70 for secret in others)


def test_both_secrets_open_it_while_one_is_changed() -> None:
    old, new = made(1), made(2)
    both = header(new, old)
    assert signing.is_ours(both, BODY, secret=old, now=NOW)
    assert signing.is_ours(both, BODY, secret=new, now=NOW)
    assert not signing.is_ours(both, BODY, secret=made(3), now=NOW)


@pytest.mark.parametrize(("away", "ours"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_one_that_is_sent_again_later_is_refused(away: int, ours: bool) -> None:
    assert signing.is_ours(header(made()), BODY, secret=made(), now=NOW + away) is ours


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "v1=00",
        f"t={NOW}",
        f"t={NOW},v1=",
        f"t=,{header(made()).partition(',')[2]}",
        f"t=-{NOW},{header(made()).partition(',')[2]}",
        f"t={NOW},t={NOW},{header(made()).partition(',')[2]}",
        f"t={NOW + 1},{header(made()).partition(',')[2]}",
        f"t={NOW},v0={header(made()).partition('v1=')[2]}",
        "t=١,v1=é",
    ],
)
def test_what_is_put_together_otherwise_is_refused(wrong: str) -> None:
    assert signing.is_ours(header(made()), BODY, secret=made(), now=NOW)
    assert not signing.is_ours(wrong, BODY, secret=made(), now=NOW)


@given(body=st.binary(max_size=200), place=st.integers(min_value=0), sign=st.integers(1, 255))
def test_no_byte_of_the_body_can_be_changed(body: bytes, place: int, sign: int) -> None:
    signed = header(made(), body=body)
    assert signing.is_ours(signed, body, secret=made(), now=NOW)
    edited = bytearray(body or b"\0")
    edited[place % len(edited)] ^= sign
    assert not signing.is_ours(signed, bytes(edited), secret=made(), now=NOW)
