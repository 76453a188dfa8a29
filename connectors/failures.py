"""Every way in which a call to Azure can fail, as a caller needs to tell them apart.

``Transient`` may be tried again later, ``Permanent`` needs a person, ``Partial`` is an answer that
must not be used, ``Changed`` asks to read again before writing. The text is one line that says
what happened and, where a setting can mend it, which one.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from functools import partial

_LONGEST = 800
_TOKEN = re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]+|\beyJ[\w-]+\.[\w-]+\.?[\w-]*")
_SECRET = re.compile(r"(?i)(client_secret|client_assertion|access_token)(\W{1,4})[^\s&\"',]+")


class Service(StrEnum):
    """The part of Azure that a call went to, as a person would name it."""

    ENTRA = "Microsoft Entra ID"
    RESOURCE_MANAGER = "Azure Resource Manager"
    LOG_ANALYTICS = "Log Analytics"
    RETAIL_PRICES = "Azure Retail Prices"


class ConnectorError(Exception):
    """A call to Azure that gave no usable answer.

    ``setting`` names the APPORTION_* setting to look at, or is None where none can help.
    """

    def __init__(
        self,
        says: str,
        *,
        service: Service,
        setting: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(one_line(says))
        self.service = service
        self.setting = setting
        self.request_id = request_id

    def __reduce__(self) -> tuple[Callable[..., "ConnectorError"], tuple[object, ...]]:
        """Survive the way between worker processes, which rebuild errors from their arguments."""
        return partial(type(self), **vars(self)), self.args


class Transient(ConnectorError):
    """Worth another try, not before ``after`` seconds where Azure said so."""

    def __init__(
        self,
        says: str,
        *,
        service: Service,
        setting: str | None = None,
        request_id: str | None = None,
        after: float | None = None,
    ) -> None:
        super().__init__(says, service=service, setting=setting, request_id=request_id)
        self.after = after


class Unreachable(Transient):
    """Nothing answers at the address."""


class Permanent(ConnectorError):
    """The same call will fail again until somebody changes something."""


class Untrusted(Permanent):
    """The other end's certificate is not trusted, or the bundle to trust cannot be read."""


class Unauthenticated(Permanent):
    """Azure does not accept the credentials."""


class Forbidden(Permanent):
    """The credentials are good and lack a role."""


class NotFound(Permanent):
    """The resource, or the workspace, does not exist."""


class BadQuery(Permanent):
    """The query, or its answer's shape, is wrong; carries Azure's own message."""


class Partial(ConnectorError):
    """Azure answered with less than was asked for; what came must not be used."""


class Changed(ConnectorError):
    """The resource changed since it was read: read again, decide again (412)."""


def one_line(text: str, *, longest: int = _LONGEST) -> str:
    """``text`` on one line, bounded, without bearer tokens or secrets."""
    safe = _SECRET.sub(r"\1\2***", _TOKEN.sub("***", text))
    flat = " ".join(safe.split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"
