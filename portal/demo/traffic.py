"""Chat completions through a gateway, as an application sends them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx
from django.conf import settings

API_VERSION = "2024-10-21"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway answered; tokens as it reported them."""

    status: int
    message: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    retry_after: int | None = None

    @property
    def key_refused(self) -> bool:
        """Whether the key itself was refused, as it is for a suspended subscription."""
        return self.status == 401


class Caller:
    """Calls one gateway with one key; use it with ``with``."""

    def __init__(self, gateway_url: str, key: str) -> None:
        bundle = settings.APPORTION.azure_ca_bundle
        trust = ssl.create_default_context(cafile=bundle or None)
        self._client = httpx.Client(
            base_url=f"{gateway_url.rstrip('/')}/openai/deployments/",
            headers={"api-key": key},
            params={"api-version": API_VERSION},
            verify=trust,
            timeout=60,
        )

    def ask(self, deployment: str, *, most_tokens: int) -> Answer:
        """Send one chat completion and give the answer, whatever its status."""
        response = self._client.post(
            f"{deployment}/chat/completions",
            json={
                "messages": [{"role": "user", "content": "Summarise the week's open tickets."}],
                "max_completion_tokens": most_tokens,
            },
        )
        body = response.json() if response.content else {}
        if response.status_code != 200:
            after = response.headers.get("Retry-After", "")
            return Answer(
                response.status_code,
                str(body.get("message") or body.get("error") or response.reason_phrase),
                retry_after=int(after) if after.isdecimal() else None,
            )
        used = body.get("usage") or {}
        return Answer(
            200, "", int(used.get("prompt_tokens", 0)), int(used.get("completion_tokens", 0))
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._client.close()
