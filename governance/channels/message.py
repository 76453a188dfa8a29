"""What a channel is given to send, and what it says when it could not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from governance.rules.topics import ABOUT, Topic


class NotTaken(Exception):
    """A receiver did not take a message.

    ``after`` is how long it asks to be left alone, in seconds. ``lasting``: trying again is no use.
    ``beyond``: others of the same channel would fare alike, since nothing answers there at all.
    """

    def __init__(
        self,
        says: str,
        *,
        status: int | None = None,
        after: float | None = None,
        lasting: bool = False,
        beyond: bool = False,
    ) -> None:
        super().__init__(says)
        self.status = status
        self.after = after
        self.lasting = lasting
        self.beyond = beyond


@dataclass(frozen=True, slots=True)
class Message:
    """A notice as its receivers read it. ``number`` is the same at every try.

    ``link`` is the page's whole address, or its path where the installation does not say where it
    is reached.
    """

    number: int
    tenant: str
    tenant_name: str
    topic: Topic
    title: str
    lines: tuple[str, ...]
    link: str
    happened_at: datetime
    subject_kind: str
    subject_key: str
    team: str | None

    @property
    def about(self) -> str:
        """The topic in words."""
        return ABOUT[self.topic].label

    @property
    def can_be_opened(self) -> bool:
        """Whether the link is a whole address."""
        return self.link.startswith(("https://", "http://"))


def address_of(tenant: str, path: str) -> str:
    """A page of a tenant as others reach it; its path alone where no address is set."""
    site = str(settings.APPORTION.site_url or "").rstrip("/")
    return f"{site}/t/{tenant}/{path.lstrip('/')}"
