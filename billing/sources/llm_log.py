"""The gateway's own logs: its LLM log joined to its gateway log, aggregated where they are.

Their prompt total *includes* cached tokens, and their completion total reasoning, neither of
which they tell apart: all of it is held as uncached input and as output. The tokens of calls with
a long prompt are classes of their own (`rules.context_bands`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from billing.rules import context_bands
from billing.rules.token_classes import TokenClass
from billing.sources.seam import COUNTS, Hour, Totals, bins, disjoint, require_inside
from connectors import kql, log_analytics
from connectors.failures import BadQuery, Service
from connectors.records import QueryTable
from inventory import azure
from inventory.gateways import GatewayRef
from inventory.models import UsageSource
from inventory.rules.dimensions import METADATA, Dimension
from tenancy.scope import TenantRef

#: How far beyond a window both logs are read: the rows of one call lie that near.
MARGIN = timedelta(hours=1)
#: The numbers that stand in the query.
NUMBERS = {"longer_than": context_bands.LONGER_THAN}
KEYS = (
    "BucketStart",
    "Service",
    "Subscription",
    "Host",
    "Deployment",
    "Product",
    "Api",
    "Operation",
    "Region",
    "Backend",
    "Streaming",
)
NUMBERED = (
    "InputTokens",
    "OutputTokens",
    "LongInputTokens",
    "LongOutputTokens",
    "TotalTokens",
    "Requests",
    "Successful",
    "Throttled",
    "Refused",
    "ServerErrors",
    "CacheHits",
    "Uncovered",
    "Retries",
)
HISTOGRAMS = ("Latency", "Prompts")
_QUERY = Path(__file__).with_name("llm_log.kql").read_text()
_TOTALS = Path(__file__).with_name("llm_log_totals.kql").read_text()
_UNTOLD = ("",) * len(METADATA)


class LlmLog:
    """See the module's text."""

    kind = UsageSource.LLM_LOG
    tells = frozenset(Dimension) - frozenset(METADATA)
    counts = frozenset(COUNTS) - {"agent_steps", "tool_calls"}
    classes = frozenset({TokenClass.LONG_INPUT, TokenClass.LONG_OUTPUT, TokenClass.UNCLASSIFIED})

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
        query = kql.render(_QUERY, start=start, end=end, bucket=bucket, numbers=NUMBERS)
        table = _asked(gateway, query, start, end)
        service = gateway.apim().service.lower()
        rows = table.require((*KEYS, *NUMBERED, *HISTOGRAMS), whole=NUMBERED)
        if len({tuple(row[name] for name in KEYS) for row in rows}) != len(rows):
            says = "Log Analytics answered a row of the same keys twice."
            raise BadQuery(says, service=Service.LOG_ANALYTICS)
        found = [_hour(row) for row in rows if row["Service"] == service]
        require_inside(found, start=start, end=end, bucket=bucket)
        return found

    def totals(
        self, tenant: TenantRef, gateway: GatewayRef, *, start: datetime, end: datetime
    ) -> Totals:
        """Calls and tokens of the service, counted without the join of the hourly query."""
        query = kql.render(_TOTALS, start=start, end=end, bucket=end - start)
        table = _asked(gateway, query, start, end)
        service = gateway.apim().service.lower()
        wanted = ("Calls", "TotalTokens")
        rows = [
            row
            for row in table.require(("Service", *wanted), whole=wanted)
            if row["Service"] == service
        ]
        return Totals(sum(row["Calls"] for row in rows), sum(row["TotalTokens"] for row in rows))


def _asked(gateway: GatewayRef, query: str, start: datetime, end: datetime) -> QueryTable:
    with azure.session_as(gateway.credential) as session:
        return log_analytics.query(
            session, gateway.workspace_id, query, start=start - MARGIN, end=end + MARGIN
        )


def _hour(row: dict[str, Any]) -> Hour:
    long_calls = (
        (TokenClass.LONG_INPUT, row["LongInputTokens"]),
        (TokenClass.LONG_OUTPUT, row["LongOutputTokens"]),
    )
    tokens = (row["InputTokens"], 0, row["OutputTokens"], 0)
    split = disjoint(tokens, long_calls, row["TotalTokens"])
    told = (row["Successful"], row["Throttled"], row["Refused"], row["ServerErrors"])
    other = max(0, row["Requests"] - sum(told))
    successful, throttled, refused, server_errors = told
    return Hour(
        start=row["BucketStart"],
        subscription=_text(row["Subscription"]),
        host=_text(row["Host"]),
        deployment=_text(row["Deployment"]),
        tokens=tokens,
        counts=(
            row["Requests"],
            successful,
            throttled,
            refused,
            other,
            server_errors,
            row["CacheHits"],
            row["Uncovered"],
            row["Retries"],
            0,
            0,
        ),
        total=split.total,
        values=(
            *(_text(row[name]) for name in ("Product", "Api", "Operation", "Region", "Backend")),
            _text(row["Streaming"]),
            *_UNTOLD,
        ),
        further=split.further,
        latency=bins(row["Latency"]),
        prompts=bins(row["Prompts"]),
    )


def _text(value: object) -> str:
    """A name as it was answered; null is no name."""
    return "" if value is None else str(value)
