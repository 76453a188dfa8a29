"""A throw-away certificate authority for loopback, kept with the state when there is one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files a TLS server and its clients need."""

    ca_bundle: Path
    chain: Path
    key: Path


def issue(folder: Path) -> Certificates:
    """The certificates in ``folder``; made once, the same at every later start."""
    found = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    if found.ca_bundle.exists() and found.chain.exists() and found.key.exists():
        return found
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="Azure on loopback")
    server = authority.issue_cert(*NAMES)
    found.key.touch(mode=0o600)
    server.private_key_pem.write_to_path(str(found.key))
    found.chain.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
    authority.cert_pem.write_to_path(str(found.ca_bundle))
    return found
