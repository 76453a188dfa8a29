"""Emitted token metrics: `AppMetrics`, as the gateway's `llm-emit-token-metric` policy fills it.

It emits for a call that was answered with tokens, and for no other: refused calls, answers of the
cache and gaps are not in it, nor how long a call took or how long its prompt was. Which metadata
it tells is the policy's choice, and the names are the gateway's (`Gateway.metric_dimensions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from billing.rules.token_classes import TokenClass
from billing.sources.seam import COUNTS, Hour, Totals, disjoint, require_inside, within
from connectors import kql, log_analytics
from connectors.records import QueryTable
from inventory import azure
from inventory.gateways import GatewayRef
from inventory.models import UsageSource
from inventory.rules.dimensions import Dimension
from tenancy.scope import TenantRef

#: The answer's column of each dimension, in their order; none tells whether a call was streamed.
COLUMNS = {
    Dimension.PRODUCT: "Product",
    Dimension.API: "Api",
    Dimension.OPERATION: "Operation",
    Dimension.REGION: "Region",
    Dimension.BACKEND: "Backend",
    Dimension.APPLICATION: "Application",
    Dimension.USE_CASE: "UseCase",
    Dimension.AGENT: "Agent",
    Dimension.ENVIRONMENT: "Environment",
    Dimension.CLIENT_TENANT: "ClientTenant",
    Dimension.USER_GROUP: "UserGroup",
    Dimension.COST_CENTER: "CostCenter",
}
KEYS = ("BucketStart", "Subscription", "Host", "Deployment", *COLUMNS.values())
NUMBERED = (
    "TotalTokens",
    "PromptTokens",
    "CachedTokens",
    "CompletionTokens",
    "ReasoningTokens",
    "Requests",
)
#: The longest name of a subscription, host or deployment; what is longer is cut.
LONGEST_NAME = 255
_QUERY = Path(__file__).with_name("app_metrics.kql").read_text()
_TOTALS = Path(__file__).with_name("app_metrics_totals.kql").read_text()


class AppMetrics:
    """See the module's text."""

    kind = UsageSource.METRICS
    tells = frozenset(COLUMNS)
    counts = frozenset({"requests", "successful_requests"})
    classes = frozenset({TokenClass.UNCLASSIFIED})

    def read(
        self,
        tenant: TenantRef,
        gateway: GatewayRef,
        *,
        start: datetime,
        end: datetime,
        bucket: timedelta,
    ) -> Sequence[Hour]:
        """The rows of this gateway's service; a workspace may hold those of others."""
        texts = {**gateway.metric_names, "service": _service(gateway)}
        query = kql.render(_QUERY, start=start, end=end, bucket=bucket, texts=texts)
        table = _asked(gateway, query, start, end)
        found = [hour(row) for row in table.require((*KEYS, *NUMBERED), whole=NUMBERED)]
        require_inside(found, start=start, end=end, bucket=bucket)
        return found

    def totals(
        self, tenant: TenantRef, gateway: GatewayRef, *, start: datetime, end: datetime
    ) -> Totals:
        """Calls and tokens of the service's totals, whatever else the rows say."""
        texts = {"service": _service(gateway)}
        query = kql.render(_TOTALS, start=start, end=end, bucket=end - start, texts=texts)
        wanted = ("Calls", "TotalTokens")
        rows = _asked(gateway, query, start, end).require(wanted, whole=wanted)
        return Totals(sum(row["Calls"] for row in rows), sum(row["TotalTokens"] for row in rows))


def _service(gateway: GatewayRef) -> str:
    return gateway.apim().service.lower()


def _asked(gateway: GatewayRef, query: str, start: datetime, end: datetime) -> QueryTable:
    with azure.session_as(gateway.credential) as session:
        return log_analytics.query(session, gateway.workspace_id, query, start=start, end=end)


def hour(row: dict[str, Any]) -> Hour:
    """A row of the query's answer in disjoint classes that sum to its total.

    Cached tokens are part of the prompt and reasoning of the completion, and never more than these.
    """
    asked = within(row["PromptTokens"], row["CachedTokens"])
    written = within(row["CompletionTokens"], row["ReasoningTokens"])
    tokens = (asked.rest, asked.part, written.rest, written.part)
    split = disjoint(tokens, (), row["TotalTokens"])
    told = {"requests": row["Requests"], "successful_requests": row["Requests"]}
    return Hour(
        start=row["BucketStart"],
        subscription=_name(row["Subscription"]),
        host=_name(row["Host"]),
        deployment=_name(row["Deployment"]),
        tokens=tokens,
        counts=tuple(told.get(name, 0) for name in COUNTS),
        total=split.total,
        values=tuple(str(row[COLUMNS[one]]) if one in COLUMNS else "" for one in Dimension),
        further=split.further,
        left_out=asked.beyond + written.beyond,
    )


def _name(told: object) -> str:
    """A name that can be held: whatever a policy takes it from may be longer."""
    return str(told).replace("\x00", "").strip()[:LONGEST_NAME]
