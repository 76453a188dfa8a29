"""The page of all settings, made from `portal.environment` so that it cannot differ from it."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import HttpUrl, SecretStr
from pydantic.fields import FieldInfo

from portal.environment import PREFIX, Environment
from portal.services import CHECKOUT
from portal.supervisor import DEFAULT_PORT

PAGE = CHECKOUT / "docs" / "reference" / "settings.md"

_HEAD = """# Settings

<!-- Made from portal/environment.py by `manage.py settings_reference`: change that, not this. -->

An installation is its environment variables; there is one settings module for all of them. They are
checked at once when a process starts, and each that is missing or wrong is named with its fix.
Where `APPORTION_DATABASE_URL` is not set, `.apportion/env` in the working folder is read instead:
`make demo` and `make dev` write there what they started.
"""
_SUPERVISOR = """
## On one machine

Read by `make demo`, `make dev` and `python -m portal.supervisor` alone, which choose the addresses
of database, broker and simulator by themselves.
"""
_COMPOSE = """
## With Docker Compose

Read from `.env` by `docker-compose.yml` alone, which makes the settings above of them
(`.env.example` is the form to fill in).
"""
_PLAIN: dict[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "whole number",
    Decimal: "number",
    HttpUrl: "web address",
    SecretStr: "secret text",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable; ``default`` None: it must be set."""

    name: str
    kind: str
    default: str | None
    says: str


SUPERVISOR = (
    Setting(
        f"{PREFIX}WEB_PORT",
        "whole number",
        str(DEFAULT_PORT),
        "Port of pages and API. 0 takes a free one; so does a taken 8000 that nobody asked for.",
    ),
    Setting(
        f"{PREFIX}WEB_HOST",
        "text",
        "127.0.0.1",
        "Address to listen on. 0.0.0.0 opens it to the network.",
    ),
    Setting(f"{PREFIX}SIMULATOR", "true or false", "false", "Also start a simulated Azure."),
)
COMPOSE = (
    Setting("POSTGRES_PASSWORD", "secret text", None, "Of the database's superuser."),
    Setting(f"{PREFIX}OWNER_PASSWORD", "secret text", None, "Of the role that migrations use."),
    Setting(
        f"{PREFIX}APP_PASSWORD", "secret text", None, "Of the plain role, which all else uses."
    ),
    Setting("REDIS_PASSWORD", "secret text", None, "Of the task queue."),
    Setting(f"{PREFIX}PUBLISH", "text", "127.0.0.1:8000", "Address and port on the host."),
    Setting(f"{PREFIX}VERSION", "text", "local", "Tag of the image."),
    Setting(
        f"{PREFIX}AZURE_CREDENTIALS",
        "text",
        "./azure-credentials.json",
        f"File on the host that becomes {PREFIX}AZURE_CREDENTIALS_FILE; {{}} will do at first.",
    ),
)


def page() -> str:
    """The whole page, in Markdown."""
    parts = ((_HEAD, of_environment()), (_SUPERVISOR, SUPERVISOR), (_COMPOSE, COMPOSE))
    return "".join(f"{head}\n{_table(settings)}" for head, settings in parts)


def of_environment() -> tuple[Setting, ...]:
    """Every setting of the product, in the order of their declaration."""
    return tuple(_setting(name, field) for name, field in Environment.model_fields.items())


def _setting(name: str, field: FieldInfo) -> Setting:
    return Setting(
        name=f"{PREFIX}{name.upper()}",
        kind=_kind(field.annotation) + "".join(_bounds(field)),
        default=None if field.is_required() else _shown(field.default),
        says=field.description or "",
    )


def _kind(annotation: Any) -> str:
    """The type in words.

    Raises:
        TypeError: there are no words for it yet; give it some here.
    """
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "one of " + ", ".join(map(str, inner))
    if origin is tuple:
        return "list, separated by commas"
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(one) for one in inner if one is not type(None))
    if annotation not in _PLAIN:
        raise TypeError(f"no words for the type {annotation!r}")
    return _PLAIN[annotation]


def _bounds(field: FieldInfo) -> Iterator[str]:
    for bound in field.metadata:
        match bound:
            case MinLen(least):
                yield f", at least {least} characters"
            case Ge(least):
                yield f", at least {least}"
            case Gt(least):
                yield f", above {least}"
            case Le(most):
                yield f", at most {most}"


def _shown(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return ",".join(map(str, value))
        case None:
            return ""
        case HttpUrl():
            return str(value).rstrip("/")
        case _:
            return str(value)


def _table(settings: tuple[Setting, ...]) -> str:
    rows = ["| Variable | Type | Default | What it is |", "|---|---|---|---|"]
    rows += [
        f"| `{one.name}` | {one.kind} | {_default(one.default)} | {_cell(one.says)} |"
        for one in settings
    ]
    return "\n".join(rows) + "\n"


def _default(value: str | None) -> str:
    if value is None:
        return "**must be set**"
    return f"`{_cell(value)}`" if value else "none"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
