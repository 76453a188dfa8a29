"""Every setting, from environment variables: typed, checked at once, each error with its fix.

An environment *is* its variables; there is one settings module for all of them. Without
``APPORTION_DATABASE_URL`` in the environment, ``.apportion/env`` in the working folder is read:
the supervisor writes there what it started, so that commands run by hand talk to it.
"""

from __future__ import annotations

import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, HttpUrl, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from governance.rules import addresses

PREFIX = "APPORTION_"
RUNNING_SERVICES = Path(".apportion") / "env"

_CURRENCY = re.compile(r"[A-Z]{3}")
_REGION = re.compile(r"[A-Za-z0-9]+")

Names = Annotated[tuple[str, ...], NoDecode]


class Environment(BaseSettings):
    """The product's settings. Azure's own addresses are the defaults."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    secret_key: SecretStr = Field(
        min_length=32, description="Signs sessions. At least 32 random characters."
    )
    database_url: str = Field(
        pattern=r"^postgres(ql)?://",
        description="PostgreSQL 16 or newer, as the plain role that row-level security binds: "
        "postgresql://apportion_app:…@host:5432/apportion",
    )
    database_owner_url: str = Field(
        default="",
        pattern=r"^(postgres(ql)?://.*)?$",
        description="The same database as the role that owns the tables; for migrations only.",
    )
    redis_url: str = Field(
        pattern=r"^(rediss?|redis\+socket)://",
        description="Redis or Valkey, for the task queue: redis://host:6379/0",
    )
    allowed_hosts: Names = Field(
        default=("localhost", "127.0.0.1"), description="Host names it answers to, by comma."
    )
    trusted_origins: Names = Field(
        default=(), description="Origins allowed to post forms, such as https://finops.example."
    )
    https: bool = Field(
        default=True,
        description="Served over HTTPS: secure cookies, HSTS, redirect. Off only on loopback.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="What is logged: this and whatever is graver."
    )

    azure_authority_host: HttpUrl = Field(
        default=HttpUrl("https://login.microsoftonline.com"), description="Microsoft Entra ID."
    )
    azure_resource_manager_url: HttpUrl = Field(
        default=HttpUrl("https://management.azure.com"), description="Azure Resource Manager."
    )
    azure_resource_manager_audience: str = Field(
        default="https://management.azure.com/",
        description="For whom its tokens are asked; another in other clouds.",
    )
    azure_log_analytics_url: HttpUrl = Field(
        default=HttpUrl("https://api.loganalytics.io"), description="Log Analytics queries."
    )
    azure_log_analytics_audience: str = Field(
        default="https://api.loganalytics.io",
        description="For whom its tokens are asked; another in other clouds.",
    )
    azure_retail_prices_url: HttpUrl = Field(
        default=HttpUrl("https://prices.azure.com/api/retail/prices"),
        description="The Retail Prices API.",
    )
    azure_ca_bundle: str = Field(
        default="", description="PEM file of further certificate authorities to trust."
    )
    azure_instance_discovery: bool = Field(
        default=True, description="Off for authorities that Microsoft does not know of."
    )
    azure_credentials_file: str = Field(
        default="",
        description="JSON file: name → tenant_id, client_id, client_secret. A gateway names its "
        "entry; the name 'default' means the machine's managed identity.",
    )
    azure_price_services: Names = Field(
        default=("Foundry Models",),
        description="Service names whose prices are loaded, by comma.",
    )
    price_regions: Names = Field(
        default=(),
        description="Regions whose prices are loaded, by comma, as Azure names them: swedencentral."
        " Not set: all. What was loaded of others stays as it is, and is updated no more.",
    )
    price_currencies: Names = Field(
        default=(),
        description="Further currencies in which the price list is loaded, by comma, such as EUR: "
        "for reference only. Nothing is charged by them; what is charged is in USD.",
    )
    price_jump_factor: Decimal = Field(
        default=Decimal(3),
        gt=1,
        le=1000,
        description="A new price of more than so many times the one before it, or less than such a "
        "part of it, is held back until a person accepts it.",
    )

    email_url: str = Field(
        default="",
        pattern=r"^((smtp|smtps|smtp\+starttls)://[^/?#\s]+)?$",
        description="The mail server: smtps://user:password@host:465, "
        "smtp+starttls://user:password@host:587 or smtp://host:25. A user or password with @ : / "
        "is percent-encoded. Not set: no mail is sent.",
    )
    email_from: str = Field(
        default="apportion@localhost",
        pattern=r"^[^@\s]+@[^@\s]+$",
        description="The address that mail is sent from.",
    )
    site_url: HttpUrl | None = Field(
        default=None,
        description="Where people reach the product: https://finops.example. Mails and webhooks "
        "link there. Not set: they name the page's path alone.",
    )
    webhook_private_hosts: Names = Field(
        default=(),
        description="What webhooks may reach although it is not public, by comma: host names, "
        ".suffixes of such, addresses and networks, such as hooks.corp.example,10.1.2.0/24.",
    )
    webhook_ca_bundle: str = Field(
        default="",
        description="PEM file of further certificate authorities that webhooks' receivers have.",
    )

    api_requests_per_minute: int = Field(
        default=600, ge=1, description="How often one API token may ask in a minute."
    )

    clock_offset_seconds: int = Field(
        default=0, description="Moves the product's clock, to rehearse a month's end."
    )
    simulator_control_url: str = Field(
        default="", description="Control port of the simulator, where one runs."
    )
    ready_file: str = Field(default="", description="Touched by a worker once it is ready.")

    @field_validator(
        "allowed_hosts",
        "trusted_origins",
        "azure_price_services",
        "price_regions",
        "price_currencies",
        "webhook_private_hosts",
        mode="before",
    )
    @classmethod
    def _by_comma(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("price_regions")
    @classmethod
    def _regions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not _REGION.fullmatch(name):
                raise ValueError(
                    f"{name!r} is no region: write it as Azure's price list does, such as"
                    " swedencentral"
                )
        return value

    @field_validator("price_currencies")
    @classmethod
    def _currencies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for code in value:
            if not _CURRENCY.fullmatch(code):
                raise ValueError(f"{code!r} is no currency code: write three capitals, such as EUR")
        return value

    @field_validator("webhook_private_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            try:
                addresses.allowed([entry])
            except ValueError as error:
                raise ValueError(f"{entry!r} is no host, address or network: {error}") from None
        return value

    @field_validator("azure_ca_bundle", "azure_credentials_file", "webhook_ca_bundle")
    @classmethod
    def _exists(cls, value: str) -> str:
        if value and not Path(value).is_file():
            raise ValueError(f"no such file: {value}")
        return value


class SettingsAreWrong(SystemExit):
    """Ends the process with one line for each setting that is missing or wrong."""


def read() -> Environment:
    """The settings of this process.

    Raises:
        SettingsAreWrong: names every variable at fault, with the fix.
    """
    try:
        return Environment(_env_file=_env_file())  # type: ignore[call-arg]  # its plugin-less form
    except ValidationError as error:
        raise SettingsAreWrong("\n".join(_lines(error))) from None


def _env_file() -> Path | None:
    if PREFIX + "DATABASE_URL" in os.environ or not RUNNING_SERVICES.is_file():
        return None
    return RUNNING_SERVICES


def _lines(error: ValidationError) -> list[str]:
    lines = ["Apportion cannot start: its settings are incomplete."]
    for fault in error.errors():
        name = str(fault["loc"][0])
        field = Environment.model_fields.get(name)
        about = f" ({field.description})" if field and field.description else ""
        lines.append(f"  {PREFIX}{name.upper()}: {_says(fault)}{about}")
    return lines


def _says(fault: Any) -> str:
    match fault["type"]:
        case "missing":
            return "is not set"
        case "string_pattern_mismatch":
            return "does not have the form needed"
        case "string_too_short":
            return "is too short"
        case _:
            return str(fault["msg"]).removeprefix("Value error, ")
