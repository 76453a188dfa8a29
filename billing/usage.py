"""Usage: a window in, the window replaced.

The gateway's logs stay where they are; the query in `usage.kql` aggregates there. A window is
replaced whole, in one transaction that also moves the watermark, so that a repeat changes
nothing and a crash loses nothing. Late rows are caught by reading a look-back again.

The source is the gateway's LLM log: it counts prompt and completion tokens, the prompt total
*including* cached tokens, which it does not tell apart. All of it is held as uncached input. The
tokens of calls with a long prompt are classes of their own (`rules.context_bands`), held beside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection

from billing import marking
from billing.models import BillingSettings, UsageFeed
from billing.rules import context_bands
from connectors import kql, log_analytics
from connectors.records import QueryTable
from inventory import azure, deployments, gateways, subscriptions
from inventory.gateways import GatewayRef
from tenancy import periods, runs, scope, tenants
from tenancy.runs import Contention, Recorded
from tenancy.scope import TenantRef

STEP = "sync_usage"
LONGEST_WINDOW = timedelta(days=7)
MARGIN = timedelta(hours=1)
#: The numbers that stand in the query.
NUMBERS = {"longer_than": context_bands.LONGER_THAN}
_QUERY = Path(__file__).with_name("usage.kql").read_text()
_REPLACE = Path(__file__).with_name("replace_window.sql").read_text()
_STAGED = (
    "bucket_start, subscription_id, deployment_id, input_tokens, output_tokens, requests,"
    " successful_requests, throttled_requests, refused_requests, cache_hits, uncovered_requests,"
    " long_input_tokens, long_output_tokens"
)
_STAGE = """
CREATE TEMP TABLE usage_stage ON COMMIT DROP AS
SELECT bucket_start, subscription_id, deployment_id, input_tokens, output_tokens, requests,
       successful_requests, throttled_requests, refused_requests, cache_hits, uncovered_requests,
       0::bigint AS long_input_tokens, 0::bigint AS long_output_tokens
  FROM billing_usage
  WITH NO DATA
"""
_COUNTS = (
    "InputTokens",
    "OutputTokens",
    "Requests",
    "Successful",
    "Throttled",
    "Refused",
    "CacheHits",
    "Uncovered",
    "LongInputTokens",
    "LongOutputTokens",
)
_TOKENS = ("InputTokens", "OutputTokens", "LongInputTokens", "LongOutputTokens")
_KEYS = ("BucketStart", "Service", "Subscription", "Host", "Deployment", "TotalTokens")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be read: half-open windows, oldest first, and the bucket of time."""

    gateway: GatewayRef
    zone: str
    bucket: timedelta
    windows: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True)
class Replaced:
    """What replacing a window did."""

    rows: int
    changed: int
    tokens_unexplained: int


def sync(tenant: TenantRef, gateway: str, *, at: datetime, contention: Contention) -> int:
    """Read one gateway's usage up to ``at`` and give the number of rows that changed.

    From the watermark less the tenant's look-back, in windows of at most `LONGEST_WINDOW`, each
    stored with its watermark before the next is read.

    Raises:
        NotFound: the tenant has no such gateway.
        Busy, Superseded: another run of this step has the gateway.
        Partial: the log answered in part; that window is as it was before.
        ConnectorError: it refused or was unreachable; windows stored before that stay.
    """
    with scope.of(tenant):
        plan = _plan(gateways.named(gateway), at=at)
    changed = 0
    with runs.of_tenant(tenant, STEP, gateway, contention=contention) as run:
        for start, end in plan.windows:
            table = _read(plan, start, end)
            with scope.of(tenant):
                run.hold()
                done = _replace(plan, table, start, end, at=at)
                _advance(plan.gateway, end)
            _tally(run, table, done, plan.windows[0][0], end)
            changed += done.changed
    return changed


def through(gateway_id: int) -> datetime | None:
    """Usage before this instant has been read for a gateway of the tenant in scope."""
    feed = UsageFeed.objects.filter(gateway_id=gateway_id).first()
    return feed.through if feed else None


def _plan(ref: GatewayRef, *, at: datetime) -> Plan:
    billing = tenants.billing()
    chosen = BillingSettings.objects.first() or BillingSettings()
    bucket = billing.bucket(around=at)
    watermark = through(ref.id)
    look_back = timedelta(hours=chosen.look_back_hours)
    start = max(ref.usage_from, watermark - look_back) if watermark else ref.usage_from
    start = periods.floor(start, bucket)
    return Plan(ref, billing.zone, bucket, tuple(periods.windows(start, at, LONGEST_WINDOW)))


def _read(plan: Plan, start: datetime, end: datetime) -> QueryTable:
    query = kql.render(_QUERY, start=start, end=end, bucket=plan.bucket, numbers=NUMBERS)
    with azure.session_as(plan.gateway.credential) as session:
        return log_analytics.query(
            session, plan.gateway.workspace_id, query, start=start - MARGIN, end=end + MARGIN
        )


def _replace(
    plan: Plan, table: QueryTable, start: datetime, end: datetime, *, at: datetime
) -> Replaced:
    """Make the stored window what the table says."""
    rows = [
        row
        for row in table.require(_KEYS + _COUNTS)
        if row["Service"] == plan.gateway.apim().service.lower()
    ]
    named = subscriptions.ids_by_name(
        plan.gateway.id, (str(row["Subscription"]) for row in rows), at=at
    )
    deployed = deployments.ids_by_key(
        plan.gateway.id, ((str(row["Host"]), str(row["Deployment"])) for row in rows), at=at
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_usage_months(%s, %s)", [start, end])
        cursor.execute("DROP TABLE IF EXISTS pg_temp.usage_stage")
        cursor.execute(_STAGE)
        with cursor.copy(f"COPY usage_stage ({_STAGED}) FROM STDIN") as copy:
            for row in rows:
                key = (str(row["Host"]), str(row["Deployment"]))
                ids = (named[str(row["Subscription"])], deployed[key])
                copy.write_row((row["BucketStart"], *ids, *(row[count] for count in _COUNTS)))
        marking.begin()
        cursor.execute(
            _REPLACE,
            {
                "tenant": scope.tenant_id(),
                "gateway": plan.gateway.id,
                "start": start,
                "end": end,
                "zone": plan.zone,
            },
        )
        changed = int(cursor.fetchone()[0])
    unexplained = sum(
        int(str(row["TotalTokens"])) - sum(int(str(row[name])) for name in _TOKENS) for row in rows
    )
    return Replaced(len(rows), changed, unexplained)


def _advance(ref: GatewayRef, end: datetime) -> None:
    feed, _ = UsageFeed.objects.get_or_create(gateway_id=ref.id, defaults={"through": end})
    if feed.through < end:
        UsageFeed.objects.filter(pk=feed.pk, through__lt=end).update(through=end)


def _tally(
    run: Recorded, table: QueryTable, done: Replaced, start: datetime, end: datetime
) -> None:
    run.window(start, end)
    run.count(read=len(table.rows), written=done.changed)
    if done.tokens_unexplained:
        run.note(tokens_not_in_a_class=done.tokens_unexplained)
