"""Who and what exists in the simulated Azure: two organisations, their gateways and keys.

The names are a contract with the demo and the tests. All ids and secrets are made up.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.metadata import BUILT_IN, CALLERS, MODELS, Dimension


class Size(enum.Enum):
    """How much history is made: the whole story, or a tenth of it for quick tests."""

    WORKSHOP = "workshop"
    SMALL = "small"


class Answers(enum.Enum):
    """Which rows of the real trace a team's requests are drawn from."""

    LONG = "long"
    TYPICAL = "typical"


class Work(enum.Enum):
    """What a deployment's model is called for."""

    CHAT = "chat"
    EMBEDDING = "embedding"


class OtherKinds(enum.Enum):
    """Whether the history has calls of batch, provisioned and embedding deployments too."""

    ON = "on"
    OFF = "off"


_FINE_TUNED = ".ft-"


# Deployments, subscriptions and tenants are themselves, not their values: quick to look up by.
@dataclass(frozen=True, slots=True, eq=False)
class Deployment:
    """A model deployment of an AI account; unit prices shape the history, they are not served."""

    name: str
    model: str
    version: str
    input_per_million: float
    output_per_million: float
    sku: str = "GlobalStandard"
    capacity: int = 100
    work: Work = Work.CHAT
    created: str = "2026-01-15T09:45:00Z"
    changed: str = ""

    @property
    def reported_model(self) -> str:
        """The model as the service reports it in its answers and logs."""
        dated = len(self.version) > 1 and _FINE_TUNED not in self.model
        return f"{self.model}-{self.version}" if dated else self.model

    def cost(self, prompt: int, completion: int) -> float:
        """What one request costs, in USD, at the prices the story is told in."""
        return (prompt * self.input_per_million + completion * self.output_per_million) / 1e6


@dataclass(frozen=True, slots=True)
class Account:
    """An Azure AI account with its deployments."""

    name: str
    region: str
    deployments: tuple[Deployment, ...]

    @property
    def host(self) -> str:
        """The host of the account's endpoint."""
        return f"{self.name}.openai.azure.com"

    def deployment(self, name: str) -> Deployment | None:
        """The deployment of that name, if there is one."""
        return next((d for d in self.deployments if d.name == name), None)


@dataclass(frozen=True, slots=True)
class Product:
    """An API Management product with the limits of its policy."""

    name: str
    display_name: str
    tokens_per_minute: int
    token_quota: int
    token_quota_period: str = "Monthly"  # noqa: S105 - gateway tokens, no secret


@dataclass(frozen=True, slots=True)
class Spend:
    """Money a subscription spends on one deployment: two whole months, then the running one.

    On a provisioned deployment it is what the tokens would cost if they were paid one by one.
    """

    deployment: str
    answers: Answers
    usd: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Habit:
    """Callers of one kind: how many of a subscription's calls, and what they say of themselves."""

    weight: int
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Subscription:
    """An API Management subscription, its key and the spend that its history shows."""

    name: str
    display_name: str
    product: str
    key: str
    spends: tuple[Spend, ...]
    crosses_usd: float | None = None
    other_kinds: tuple[Spend, ...] = ()
    habits: tuple[Habit, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Tenant:
    """An organisation: its directory, principal, gateway, workspace and AI account."""

    name: str
    time_zone: str
    entra_tenant_id: str
    client_id: str
    client_secret: str
    object_id: str
    azure_subscription_id: str
    resource_group: str
    service: str
    region: str
    region_label: str
    workspace_id: str
    account: Account
    products: tuple[Product, ...]
    subscriptions: tuple[Subscription, ...]
    preview_deployment: str | None = None
    dimensions: tuple[Dimension, ...] = (*BUILT_IN, *MODELS)

    @property
    def group_id(self) -> str:
        """The resource id of the resource group."""
        return f"/subscriptions/{self.azure_subscription_id}/resourceGroups/{self.resource_group}"

    @property
    def service_id(self) -> str:
        """The resource id of the API Management service."""
        return f"{self.group_id}/providers/Microsoft.ApiManagement/service/{self.service}"

    @property
    def account_id(self) -> str:
        """The resource id of the AI account."""
        return f"{self.group_id}/providers/Microsoft.CognitiveServices/accounts/{self.account.name}"

    def product(self, name: str) -> Product | None:
        """The product of that name, if there is one."""
        return next((p for p in self.products if p.name == name), None)


def _chat(name: str) -> Deployment:
    return Deployment(name, "gpt-5.2-chat", "2025-12-11", 1.75, 14.0)


def _mini(name: str) -> Deployment:
    return Deployment(name, "gpt-5-mini", "2025-08-07", 0.25, 2.0)


def _nano(name: str) -> Deployment:
    return Deployment(name, "gpt-5-nano", "2025-08-07", 0.05, 0.4)


#: Beside pay-as-you-go chat: by batch, in the data zone, by provisioned throughput units,
#: embeddings, and a fine-tuned model, which is named as Azure names what a job made.
_OTHER_KINDS = (
    Deployment("nightly-summaries", "gpt-5-mini", "2025-08-07", 0.125, 1.0, "GlobalBatch", 200),
    Deployment("assistant-eu", "gpt-5-mini", "2025-08-07", 0.275, 2.2, "DataZoneStandard"),
    Deployment(
        "search-reserved", "gpt-5.2", "2025-12-11", 1.75, 14.0, "GlobalProvisionedManaged", 50
    ),
    Deployment("catalogue-vectors", "text-embedding-3-large", "1", 0.13, 0.0, work=Work.EMBEDDING),
    Deployment(
        "returns-tuned",
        "gpt-4.1-mini-2025-04-14.ft-5b1d0c7a94e24f38a6d2e90b7c3f1a58",
        "1",
        0.4,
        1.6,
        capacity=50,
    ),
)


def _habit(weight: int, application: str, use_case: str, agent: str = "", **more: str) -> Habit:
    said = {"application": application, "use_case": use_case, "agent": agent, **more}
    return Habit(weight, {key: value for key, value in said.items() if value})


_STORES = {"environment": "production", "tenant": "stores", "cost_center": "4410"}
_ONLINE = {"environment": "production", "tenant": "online shop", "cost_center": "4420"}
_ASSISTANT_HABITS = (
    _habit(6, "store-assistant", "product questions", "shelf-helper", **_STORES),
    _habit(3, "store-assistant", "shift handover", user_group="store managers", **_STORES),
    _habit(1, "planogram-check", "shelf photos", environment="test", cost_center="4410"),
)
_SEARCH_HABITS = (
    _habit(5, "product-search", "query rewriting", **_ONLINE),
    _habit(3, "product-search", "result summaries", "search-summariser", **_ONLINE),
    _habit(2, "catalogue", "descriptions", "copy-writer", user_group="merchants", **_ONLINE),
)
#: A fifth of the desk's calls come from a client that says nothing.
_RETURNS_HABITS = (
    _habit(5, "returns-desk", "triage", "returns-triage", **_ONLINE),
    _habit(3, "returns-desk", "customer letters", user_group="service desk", **_ONLINE),
    Habit(2, {}),
)

CONTOSO = Tenant(
    name="Contoso Retail",
    time_zone="Europe/Berlin",
    entra_tenant_id="3f1c0b52-6a7e-4d3b-9a51-c0a7050a0001",
    client_id="8b2d5f10-21c4-4e0e-8f6a-c0a7050a0002",
    client_secret="contoso-loopback-secret-7Qv",  # noqa: S106 - opens only this simulator
    object_id="5c9a7e34-0d1b-4b6e-a2f8-c0a7050a0003",
    azure_subscription_id="11e0f7aa-5b7d-4c55-8a10-c0a7050a0004",
    resource_group="rg-ai",
    service="apim-contoso",
    region="swedencentral",
    region_label="Sweden Central",
    workspace_id="d4b6a1f2-7c3e-4f90-b1a5-c0a7050a0005",
    account=Account(
        "ai-contoso",
        "swedencentral",
        (_chat("gpt-5.2-chat"), _mini("gpt-5-mini"), _nano("gpt-5-nano"), *_OTHER_KINDS),
    ),
    products=(
        Product("platinum", "Platinum", 2000, 1_000_000),
        Product("gold", "Gold", 1000, 1_000_000),
        Product("silver", "Silver", 500, 1_000_000),
    ),
    subscriptions=(
        Subscription(
            "subscription1",
            "Store assistant",
            "platinum",
            "c0n70501aaaa4f5e8b1d3c2a9e7f6d01",
            (
                Spend("gpt-5.2-chat", Answers.LONG, (4.40, 4.80, 5.10)),
                Spend("gpt-5-mini", Answers.TYPICAL, (0.04, 0.04, 0.04)),
            ),
            other_kinds=(Spend("nightly-summaries", Answers.TYPICAL, (0.02, 0.02, 0.02)),),
            habits=_ASSISTANT_HABITS,
        ),
        Subscription(
            "subscription2",
            "Product search",
            "gold",
            "c0n70502bbbb4f5e8b1d3c2a9e7f6d02",
            (
                Spend("gpt-5.2-chat", Answers.LONG, (5.20, 5.70, 6.25)),
                Spend("gpt-5-mini", Answers.TYPICAL, (0.02, 0.02, 0.02)),
            ),
            other_kinds=(
                Spend("search-reserved", Answers.TYPICAL, (0.20, 0.20, 0.20)),
                Spend("catalogue-vectors", Answers.TYPICAL, (0.005, 0.005, 0.005)),
            ),
            habits=_SEARCH_HABITS,
        ),
        Subscription(
            "subscription3",
            "Returns desk",
            "silver",
            "c0n70503cccc4f5e8b1d3c2a9e7f6d03",
            (
                Spend("gpt-5.2-chat", Answers.TYPICAL, (0.95, 1.05, 1.10)),
                Spend("gpt-5-mini", Answers.TYPICAL, (0.10, 0.11, 0.12)),
                Spend("gpt-5-nano", Answers.TYPICAL, (0.01, 0.01, 0.01)),
            ),
            habits=_RETURNS_HABITS,
        ),
        Subscription(
            "subscription4",
            "Marketing copy",
            "silver",
            "c0n70504dddd4f5e8b1d3c2a9e7f6d04",
            (Spend("gpt-5.2-chat", Answers.LONG, (3.40, 4.10, 5.60)),),
            crosses_usd=5.0,
        ),
    ),
    preview_deployment="gpt-5.2-preview",
    dimensions=(*BUILT_IN, *MODELS, *CALLERS),
)

FABRIKAM = Tenant(
    name="Fabrikam India",
    time_zone="Asia/Kolkata",
    entra_tenant_id="9e4d2c71-1f5a-4a86-b3c7-fab21ca30001",
    client_id="2a7f6e05-93b8-4c1d-8d42-fab21ca30002",
    client_secret="fabrikam-loopback-secret-9Xk",  # noqa: S106 - opens only this simulator
    object_id="7b3e8d19-4c62-4f0a-95e1-fab21ca30003",
    azure_subscription_id="42c8b5de-7e19-4a3f-9b60-fab21ca30004",
    resource_group="rg-ai",
    service="apim-fabrikam",
    region="southindia",
    region_label="South India",
    workspace_id="a8e3f5c7-2b4d-4961-8c0f-fab21ca30005",
    account=Account("ai-fabrikam", "southindia", (_chat("chat"), _mini("mini"))),
    products=(
        Product("standard", "Standard", 1500, 1_000_000),
        Product("trial", "Trial", 600, 1_000_000),
    ),
    subscriptions=(
        Subscription(
            "support-bot",
            "Support bot",
            "standard",
            "fab21ca3eeee4f5e8b1d3c2a9e7f6d05",
            (
                Spend("chat", Answers.LONG, (3.90, 4.30, 4.60)),
                Spend("mini", Answers.TYPICAL, (0.06, 0.06, 0.07)),
            ),
        ),
        Subscription(
            "crm-assistant",
            "CRM assistant",
            "standard",
            "fab21ca3ffff4f5e8b1d3c2a9e7f6d06",
            (
                Spend("chat", Answers.TYPICAL, (2.10, 2.40, 2.60)),
                Spend("mini", Answers.TYPICAL, (0.05, 0.05, 0.06)),
            ),
        ),
        Subscription(
            "field-notes",
            "Field notes",
            "trial",
            "fab21ca3abab4f5e8b1d3c2a9e7f6d07",
            (Spend("mini", Answers.TYPICAL, (0.24, 0.28, 0.30)),),
        ),
    ),
)

TENANTS = (CONTOSO, FABRIKAM)
