"""Usage by series: every dimension a call can differ in, behind one narrow key.

Adds the tables that reading in windows needs, and moves usage and rated days over to series. The
usage table is made anew and filled from the old one: readers wait for that, which takes about a
minute for ten million rows.
"""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import tenancy.links
import tenancy.scope
from tenancy import row_security
from tenancy.row_security import APP_ROLE, security_statements

#: One series for what was told apart before: subscription and deployment.
PLAIN_SERIES = """
ALTER TABLE billing_usage NO FORCE ROW LEVEL SECURITY;
ALTER TABLE billing_classusage NO FORCE ROW LEVEL SECURITY;
ALTER TABLE billing_ratedday NO FORCE ROW LEVEL SECURITY;
ALTER TABLE billing_series NO FORCE ROW LEVEL SECURITY;
ALTER TABLE inventory_deployment NO FORCE ROW LEVEL SECURITY;
INSERT INTO billing_series
       (tenant_id, gateway_id, subscription_id, deployment_id, product, api, operation, region,
        backend, streaming, application, use_case, agent, environment, client_tenant, user_group,
        cost_center, digest)
SELECT tenant_id, gateway_id, subscription_id, deployment_id, '', '', '', '', '', '', '', '', '',
       '', '', '', '', md5(repeat(E'\\x1f', 12))
  FROM (SELECT tenant_id, gateway_id, subscription_id, deployment_id FROM billing_usage
         UNION
        SELECT tenant_id, gateway_id, subscription_id, deployment_id FROM billing_classusage
         UNION
        SELECT rated.tenant_id, deployment.gateway_id, rated.subscription_id, rated.deployment_id
          FROM billing_ratedday rated
          JOIN inventory_deployment deployment
            ON deployment.tenant_id = rated.tenant_id AND deployment.id = rated.deployment_id) used;
UPDATE billing_classusage held SET series_id = series.id
  FROM billing_series series
 WHERE (series.tenant_id, series.subscription_id, series.deployment_id)
       = (held.tenant_id, held.subscription_id, held.deployment_id);
UPDATE billing_ratedday held SET series_id = series.id
  FROM billing_series series
 WHERE (series.tenant_id, series.subscription_id, series.deployment_id)
       = (held.tenant_id, held.subscription_id, held.deployment_id);
CREATE TEMP TABLE usage_before AS SELECT * FROM billing_usage;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
ALTER TABLE inventory_deployment FORCE ROW LEVEL SECURITY;
ALTER TABLE billing_ratedday FORCE ROW LEVEL SECURITY;
ALTER TABLE billing_classusage FORCE ROW LEVEL SECURITY;
ALTER TABLE billing_classusage ALTER COLUMN series_id SET NOT NULL;
ALTER TABLE billing_ratedday ALTER COLUMN series_id SET NOT NULL;
DROP TABLE billing_usage;
"""
_BINS = ", ".join(f"{name}_{bin} integer" for name in ("latency", "prompts") for bin in range(16))
_COUNTS = (
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "requests",
    "successful_requests",
    "throttled_requests",
    "refused_requests",
    "client_errors",
    "server_errors",
    "cache_hits",
    "uncovered_requests",
    "retries",
    "agent_steps",
    "tool_calls",
)
_COLUMNS = ", ".join(f"{name} bigint NOT NULL DEFAULT 0 CHECK ({name} >= 0)" for name in _COUNTS)
#: One foreign key for what are four: the series' row has gateway, subscription and deployment.
TABLE = f"""
ALTER TABLE billing_series ADD CONSTRAINT billing_series_whole
    UNIQUE (tenant_id, id, gateway_id, subscription_id, deployment_id);
CREATE TABLE billing_usage (
    tenant_id bigint NOT NULL,
    bucket_start timestamptz NOT NULL,
    series_id bigint NOT NULL,
    gateway_id bigint NOT NULL,
    subscription_id bigint NOT NULL,
    deployment_id bigint NOT NULL,
    {_COLUMNS},
    {_BINS},
    PRIMARY KEY (tenant_id, bucket_start, series_id),
    CONSTRAINT billing_usage_series_fk
        FOREIGN KEY (tenant_id, series_id, gateway_id, subscription_id, deployment_id)
        REFERENCES billing_series (tenant_id, id, gateway_id, subscription_id, deployment_id)
) PARTITION BY RANGE (bucket_start);
"""
#: The way back: what was told apart is added up again.
BACK = f"""
ALTER TABLE billing_usage NO FORCE ROW LEVEL SECURITY;
CREATE TEMP TABLE usage_after AS
SELECT tenant_id, gateway_id, bucket_start, subscription_id, deployment_id,
       sum(input_tokens)::bigint AS input_tokens,
       sum(cached_input_tokens)::bigint AS cached_input_tokens,
       sum(output_tokens + reasoning_tokens)::bigint AS output_tokens,
       sum(requests)::bigint AS requests,
       sum(successful_requests)::bigint AS successful_requests,
       sum(throttled_requests)::bigint AS throttled_requests,
       sum(refused_requests)::bigint AS refused_requests,
       sum(cache_hits)::bigint AS cache_hits,
       sum(uncovered_requests)::bigint AS uncovered_requests
  FROM billing_usage
 GROUP BY 1, 2, 3, 4, 5;
DROP TABLE billing_usage;
ALTER TABLE billing_series DROP CONSTRAINT billing_series_whole;
CREATE TABLE billing_usage (
    tenant_id bigint NOT NULL REFERENCES tenancy_tenant (id) DEFERRABLE INITIALLY DEFERRED,
    bucket_start timestamptz NOT NULL,
    gateway_id bigint NOT NULL,
    subscription_id bigint NOT NULL,
    deployment_id bigint NOT NULL,
    input_tokens bigint NOT NULL DEFAULT 0 CHECK (input_tokens >= 0),
    cached_input_tokens bigint NOT NULL DEFAULT 0 CHECK (cached_input_tokens >= 0),
    output_tokens bigint NOT NULL DEFAULT 0 CHECK (output_tokens >= 0),
    requests bigint NOT NULL DEFAULT 0 CHECK (requests >= 0),
    successful_requests bigint NOT NULL DEFAULT 0 CHECK (successful_requests >= 0),
    throttled_requests bigint NOT NULL DEFAULT 0 CHECK (throttled_requests >= 0),
    refused_requests bigint NOT NULL DEFAULT 0 CHECK (refused_requests >= 0),
    cache_hits bigint NOT NULL DEFAULT 0 CHECK (cache_hits >= 0),
    uncovered_requests bigint NOT NULL DEFAULT 0 CHECK (uncovered_requests >= 0),
    PRIMARY KEY (tenant_id, bucket_start, subscription_id, deployment_id),
    CONSTRAINT billing_usage_gateway_id_fk
        FOREIGN KEY (tenant_id, gateway_id) REFERENCES inventory_gateway (tenant_id, id),
    CONSTRAINT billing_usage_subscription_id_fk
        FOREIGN KEY (tenant_id, subscription_id) REFERENCES inventory_subscription (tenant_id, id),
    CONSTRAINT billing_usage_deployment_id_fk
        FOREIGN KEY (tenant_id, deployment_id) REFERENCES inventory_deployment (tenant_id, id)
) PARTITION BY RANGE (bucket_start);
{"; ".join(security_statements("billing_usage", "SELECT, INSERT, UPDATE, DELETE"))};
SELECT billing_usage_months(min(bucket_start), max(bucket_start)) FROM usage_after
 HAVING count(*) > 0;
ALTER TABLE billing_usage NO FORCE ROW LEVEL SECURITY;
INSERT INTO billing_usage
       (tenant_id, gateway_id, bucket_start, subscription_id, deployment_id, input_tokens,
        cached_input_tokens, output_tokens, requests, successful_requests, throttled_requests,
        refused_requests, cache_hits, uncovered_requests)
SELECT * FROM usage_after;
DROP TABLE usage_after;
ALTER TABLE billing_usage FORCE ROW LEVEL SECURITY;
"""
FILL = """
SELECT billing_usage_months(min(bucket_start), max(bucket_start)) FROM usage_before
 HAVING count(*) > 0;
ALTER TABLE billing_usage NO FORCE ROW LEVEL SECURITY;
INSERT INTO billing_usage
       (tenant_id, bucket_start, series_id, gateway_id, subscription_id, deployment_id,
        input_tokens, cached_input_tokens, output_tokens, requests, successful_requests,
        throttled_requests, refused_requests, cache_hits, uncovered_requests)
SELECT held.tenant_id, held.bucket_start, series.id, series.gateway_id, held.subscription_id,
       held.deployment_id, held.input_tokens, held.cached_input_tokens, held.output_tokens,
       held.requests, held.successful_requests, held.throttled_requests, held.refused_requests,
       held.cache_hits, held.uncovered_requests
  FROM usage_before held
  JOIN billing_series series USING (tenant_id, subscription_id, deployment_id);
DROP TABLE usage_before;
ALTER TABLE billing_usageday NO FORCE ROW LEVEL SECURITY;
ALTER TABLE tenancy_tenantprofile NO FORCE ROW LEVEL SECURITY;
INSERT INTO billing_usageday
       (tenant_id, day, series_id, subscription_id, deployment_id, requests, successful_requests,
        throttled_requests, refused_requests, client_errors, server_errors, cache_hits,
        uncovered_requests, retries, agent_steps, tool_calls, latency, prompts)
SELECT used.tenant_id, (used.bucket_start AT TIME ZONE profile.time_zone)::date, used.series_id,
       used.subscription_id, used.deployment_id, sum(used.requests),
       sum(used.successful_requests), sum(used.throttled_requests), sum(used.refused_requests),
       0, 0, sum(used.cache_hits), sum(used.uncovered_requests), 0, 0, 0,
       array_fill(0::bigint, ARRAY[16]), array_fill(0::bigint, ARRAY[16])
  FROM billing_usage used
  JOIN tenancy_tenantprofile profile ON profile.tenant_id = used.tenant_id
 GROUP BY 1, 2, 3, 4, 5;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
ALTER TABLE tenancy_tenantprofile FORCE ROW LEVEL SECURITY;
ALTER TABLE billing_usageday FORCE ROW LEVEL SECURITY;
ALTER TABLE billing_usage FORCE ROW LEVEL SECURITY;
ALTER TABLE billing_series FORCE ROW LEVEL SECURITY;
"""
#: The application cannot change a table: a month is let go with the owner's rights, whole, and
#: never one of which somebody may still need the hours.
LET_GO = f"""
CREATE FUNCTION billing_usage_let_go(month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    part text := 'billing_usage_' || to_char(month, 'YYYY_MM');
    apart text := 'detached_' || part;
    number integer := 1;
BEGIN
    IF month <> date_trunc('month', month)::date OR month > now() - interval '3 months' THEN
        RAISE EXCEPTION 'usage of % cannot be let go yet', month;
    END IF;
    PERFORM pg_advisory_xact_lock(7418);
    IF to_regclass('public.' || part) IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('ALTER TABLE public.billing_usage DETACH PARTITION public.%I', part);
    -- A month may come and go again, with usage of a tenant that was connected later.
    WHILE to_regclass('public.' || apart) IS NOT NULL LOOP
        number := number + 1;
        apart := 'detached_' || part || '_' || number;
    END LOOP;
    EXECUTE format('ALTER TABLE public.%I RENAME TO %I', part, apart);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION billing_usage_let_go(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION billing_usage_let_go(date) TO {APP_ROLE};
"""


def _link(table: str, column: str, other: str) -> migrations.RunSQL:
    name = f"{table}_{column}_fk"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (tenant_id, {column})"
        f" REFERENCES {other} (tenant_id, id) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0005_exchange_rate_origin"),
        ("inventory", "0004_usage_source"),
        ("tenancy", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Series",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("product", models.CharField(blank=True, max_length=256)),
                ("api", models.CharField(blank=True, max_length=256)),
                ("operation", models.CharField(blank=True, max_length=256)),
                ("region", models.CharField(blank=True, max_length=256)),
                ("backend", models.CharField(blank=True, max_length=256)),
                ("streaming", models.CharField(blank=True, max_length=8)),
                ("application", models.CharField(blank=True, max_length=256)),
                ("use_case", models.CharField(blank=True, max_length=256)),
                ("agent", models.CharField(blank=True, max_length=256)),
                ("environment", models.CharField(blank=True, max_length=256)),
                ("client_tenant", models.CharField(blank=True, max_length=256)),
                ("user_group", models.CharField(blank=True, max_length=256)),
                ("cost_center", models.CharField(blank=True, max_length=256)),
                (
                    "digest",
                    models.CharField(
                        editable=False,
                        help_text="MD5 of the dimensions, which no index could hold.",
                        max_length=32,
                    ),
                ),
                (
                    "deployment",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="series",
                        to="inventory.deployment",
                    ),
                ),
                (
                    "gateway",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.gateway",
                    ),
                ),
                (
                    "subscription",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="series",
                        to="inventory.subscription",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenancy.scope.tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "series",
                "ordering": ("subscription", "deployment", "id"),
                "indexes": [
                    models.Index(
                        fields=["tenant", "subscription"], name="billing_series_subscription"
                    ),
                    models.Index(fields=["tenant", "deployment"], name="billing_series_deployment"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "gateway", "subscription", "deployment", "digest"),
                        name="billing_series_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageWindow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("start", models.DateTimeField()),
                ("end", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "not read yet"),
                            ("loading", "being read"),
                            ("complete", "complete"),
                            ("partial", "answered in part; read again in smaller pieces"),
                            ("failed", "failed; tried again later"),
                            ("quarantined", "set aside; waits for a person"),
                        ],
                        default="pending",
                        max_length=12,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("llm_log", "gateway logs (LLM log joined to gateway log)"),
                            ("metrics", "emitted token metrics (AppMetrics)"),
                            ("events", "pushed usage events"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        help_text="When it is to be read next; empty: never.", null=True
                    ),
                ),
                ("through", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField(null=True)),
                ("reads", models.PositiveIntegerField(default=0)),
                (
                    "failures",
                    models.PositiveIntegerField(default=0, help_text="Since it was last complete."),
                ),
                ("lease", models.UUIDField(null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                ("rows_read", models.BigIntegerField(default=0)),
                (
                    "rows_changed",
                    models.BigIntegerField(default=0, help_text="By the newest reading."),
                ),
                (
                    "late_rows",
                    models.BigIntegerField(
                        default=0, help_text="Changed by readings after the first whole one."
                    ),
                ),
                ("calls_read", models.BigIntegerField(default=0)),
                ("calls_stored", models.BigIntegerField(default=0)),
                ("tokens_read", models.BigIntegerField(default=0)),
                ("tokens_stored", models.BigIntegerField(default=0)),
                ("error_code", models.CharField(blank=True, max_length=64)),
                ("error", models.TextField(blank=True)),
                (
                    "gateway",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="windows",
                        to="inventory.gateway",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenancy.scope.tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "usage window",
                "ordering": ("gateway", "start"),
                "indexes": [
                    models.Index(
                        fields=["tenant", "gateway", "due_at"], name="billing_usage_window_due"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "gateway", "start"), name="billing_usage_window_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("end__gt", models.F("start"))),
                        name="billing_usage_window_has_length",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "complete"), _negated=True),
                            models.Q(
                                ("calls_read", models.F("calls_stored")),
                                ("tokens_read", models.F("tokens_stored")),
                            ),
                            _connector="OR",
                        ),
                        name="billing_usage_window_lost_nothing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("lease__isnull", True),
                            ("leased_until__isnull", False),
                            _connector="OR",
                        ),
                        name="billing_usage_window_lease_ends",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PushedEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=256)),
                ("event_id", models.CharField(max_length=128)),
                ("at", models.DateTimeField(help_text="When the call was made.")),
                ("received_at", models.DateTimeField()),
                ("subscription", models.CharField(blank=True, max_length=256)),
                ("host", models.CharField(blank=True, max_length=255)),
                ("deployment", models.CharField(blank=True, max_length=256)),
                ("model", models.CharField(blank=True, max_length=128)),
                (
                    "dimensions",
                    models.JSONField(default=dict, help_text="By dimension, what was told."),
                ),
                (
                    "quantities",
                    models.JSONField(default=dict, help_text="By token class, disjoint."),
                ),
                ("status", models.PositiveIntegerField(default=200)),
                ("cache_hit", models.BooleanField(default=False)),
                ("retries", models.PositiveIntegerField(default=0)),
                ("agent_steps", models.PositiveIntegerField(default=0)),
                ("tool_calls", models.PositiveIntegerField(default=0)),
                ("prompt_tokens", models.BigIntegerField(default=0)),
                ("milliseconds", models.PositiveIntegerField(null=True)),
                (
                    "digest",
                    models.CharField(
                        help_text="Of what was pushed, to tell a repeat.", max_length=64
                    ),
                ),
                (
                    "gateway",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="inventory.gateway",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenancy.scope.tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "pushed event",
                "ordering": ("at", "id"),
                "indexes": [
                    models.Index(fields=["tenant", "gateway", "at"], name="billing_event_at")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "gateway", "source", "event_id"),
                        name="billing_event_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SourceComparison",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("compared_at", models.DateTimeField()),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("llm_log", "gateway logs (LLM log joined to gateway log)"),
                            ("metrics", "emitted token metrics (AppMetrics)"),
                            ("events", "pushed usage events"),
                        ],
                        max_length=16,
                    ),
                ),
                ("calls_source", models.BigIntegerField()),
                ("calls_stored", models.BigIntegerField()),
                ("tokens_source", models.BigIntegerField()),
                ("tokens_stored", models.BigIntegerField()),
                (
                    "reasons",
                    models.JSONField(
                        default=list, help_text="What explains a difference, in order."
                    ),
                ),
                (
                    "gateway",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="comparisons",
                        to="inventory.gateway",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenancy.scope.tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "comparison with the source",
                "verbose_name_plural": "comparisons with the source",
                "ordering": ("-day", "gateway"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "gateway", "day"), name="billing_source_comparison_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("requests", models.BigIntegerField(default=0)),
                ("successful_requests", models.BigIntegerField(default=0)),
                ("throttled_requests", models.BigIntegerField(default=0)),
                ("refused_requests", models.BigIntegerField(default=0)),
                ("client_errors", models.BigIntegerField(default=0)),
                ("server_errors", models.BigIntegerField(default=0)),
                ("cache_hits", models.BigIntegerField(default=0)),
                ("uncovered_requests", models.BigIntegerField(default=0)),
                ("retries", models.BigIntegerField(default=0)),
                ("agent_steps", models.BigIntegerField(default=0)),
                ("tool_calls", models.BigIntegerField(default=0)),
                (
                    "latency",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="Calls by bin of milliseconds.",
                        size=None,
                    ),
                ),
                (
                    "prompts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="Calls by bin of prompt tokens.",
                        size=None,
                    ),
                ),
                (
                    "deployment",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.deployment",
                    ),
                ),
                (
                    "series",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.series",
                    ),
                ),
                (
                    "subscription",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.subscription",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenancy.scope.tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "usage of a day",
                "verbose_name_plural": "usage by day",
                "ordering": ("day", "series"),
                "indexes": [
                    models.Index(
                        fields=["tenant", "subscription", "day"],
                        name="billing_usage_day_subscription",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "day", "series"), name="billing_usage_day_grain"
                    )
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="classusage",
            options={
                "ordering": ("bucket_start", "series", "token_class"),
                "verbose_name": "usage of further classes",
                "verbose_name_plural": "usage of further classes",
            },
        ),
        migrations.AlterModelOptions(
            name="ratedday",
            options={"ordering": ("day", "series", "token_class")},
        ),
        migrations.RemoveConstraint(
            model_name="classusage",
            name="billing_class_usage_grain",
        ),
        migrations.RemoveConstraint(
            model_name="ratedday",
            name="billing_rated_day_grain",
        ),
        migrations.AddField(
            model_name="billingsettings",
            name="chargeback_from_quality",
            field=models.DecimalField(
                blank=True,
                decimal_places=2,
                help_text="The least metadata quality, such as 0.90, from which a team may be charged back. Empty: no gate.",
                max_digits=3,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(0),
                    django.core.validators.MaxValueValidator(1),
                ],
            ),
        ),
        migrations.AddField(
            model_name="billingsettings",
            name="most_series",
            field=models.PositiveIntegerField(
                default=200,
                help_text="How many combinations of product, API, operation, region, backend, streaming and metadata are told apart for one subscription and deployment; further ones are held together as (more).",
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="billingsettings",
            name="usage_kept_from",
            field=models.DateField(
                editable=False,
                help_text="Hourly usage before this day has been let go; its days are never rated again.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="billingsettings",
            name="usage_retention_months",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How many months hourly usage is kept; costs and sums by day stay for ever. Empty: kept for ever.",
                null=True,
                validators=[django.core.validators.MinValueValidator(3)],
            ),
        ),
        migrations.AddField(
            model_name="classusage",
            name="series",
            field=tenancy.links.TenantLink(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.series",
            ),
        ),
        migrations.AddField(
            model_name="ratedday",
            name="series",
            field=tenancy.links.TenantLink(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.series",
            ),
        ),
        row_security.Guard("Series", grants="SELECT, INSERT"),
        row_security.Guard("UsageWindow"),
        row_security.Guard("PushedEvent", grants="SELECT, INSERT, DELETE"),
        row_security.Guard("SourceComparison"),
        row_security.Guard("UsageDay"),
        migrations.RunSQL(PLAIN_SERIES, migrations.RunSQL.noop),
        _link("billing_classusage", "series_id", "billing_series"),
        _link("billing_ratedday", "series_id", "billing_series"),
        migrations.RunSQL(TABLE, BACK),
        migrations.RunSQL(
            ";\n".join(security_statements("billing_usage", "SELECT, INSERT, UPDATE, DELETE")),
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(LET_GO, "DROP FUNCTION billing_usage_let_go(date)"),
        migrations.AlterField(
            model_name="classusage",
            name="series",
            field=tenancy.links.TenantLink(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.series"
            ),
        ),
        migrations.AlterField(
            model_name="ratedday",
            name="series",
            field=tenancy.links.TenantLink(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.series"
            ),
        ),
        # Only now has each row its series: without, rows that differ in it would look alike.
        migrations.AddConstraint(
            model_name="classusage",
            constraint=models.UniqueConstraint(
                fields=("tenant", "bucket_start", "series", "token_class"),
                name="billing_class_usage_grain",
            ),
        ),
        migrations.AddConstraint(
            model_name="ratedday",
            constraint=models.UniqueConstraint(
                fields=(
                    "tenant",
                    "day",
                    "series",
                    "token_class",
                    "price",
                    "sheet_line",
                    "markup_line",
                    "exchange_rate",
                    "units_per_price",
                ),
                name="billing_rated_day_grain",
                nulls_distinct=False,
            ),
        ),
        migrations.AlterField(
            model_name="classusage",
            name="token_class",
            field=models.CharField(
                choices=[
                    ("input", "input"),
                    ("cached_input", "cached input"),
                    ("cache_write", "cache write"),
                    ("output", "output"),
                    ("reasoning", "reasoning"),
                    ("long_input", "long input"),
                    ("long_cached_input", "long cached input"),
                    ("long_cache_write", "long cache write"),
                    ("long_output", "long output"),
                    ("audio_input", "audio input"),
                    ("cached_audio_input", "cached audio input"),
                    ("audio_output", "audio output"),
                    ("image_input", "image input"),
                    ("cached_image_input", "cached image input"),
                    ("image_output", "image output"),
                    ("training", "training"),
                    ("images", "images"),
                    ("audio_seconds", "audio seconds"),
                    ("video_seconds", "video seconds"),
                    ("characters", "characters"),
                    ("pages", "pages"),
                    ("searches", "searches"),
                    ("sessions", "sessions"),
                    ("calls", "calls"),
                    ("unclassified", "unclassified"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="ratedday",
            name="token_class",
            field=models.CharField(
                choices=[
                    ("input", "input"),
                    ("cached_input", "cached input"),
                    ("cache_write", "cache write"),
                    ("output", "output"),
                    ("reasoning", "reasoning"),
                    ("long_input", "long input"),
                    ("long_cached_input", "long cached input"),
                    ("long_cache_write", "long cache write"),
                    ("long_output", "long output"),
                    ("audio_input", "audio input"),
                    ("cached_audio_input", "cached audio input"),
                    ("audio_output", "audio output"),
                    ("image_input", "image input"),
                    ("cached_image_input", "cached image input"),
                    ("image_output", "image output"),
                    ("training", "training"),
                    ("images", "images"),
                    ("audio_seconds", "audio seconds"),
                    ("video_seconds", "video seconds"),
                    ("characters", "characters"),
                    ("pages", "pages"),
                    ("searches", "searches"),
                    ("sessions", "sessions"),
                    ("calls", "calls"),
                    ("unclassified", "unclassified"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="metermapping",
            name="token_class",
            field=models.CharField(
                choices=[
                    ("input", "input"),
                    ("cached_input", "cached input"),
                    ("cache_write", "cache write"),
                    ("output", "output"),
                    ("reasoning", "reasoning"),
                    ("long_input", "long input"),
                    ("long_cached_input", "long cached input"),
                    ("long_cache_write", "long cache write"),
                    ("long_output", "long output"),
                    ("audio_input", "audio input"),
                    ("cached_audio_input", "cached audio input"),
                    ("audio_output", "audio output"),
                    ("image_input", "image input"),
                    ("cached_image_input", "cached image input"),
                    ("image_output", "image output"),
                    ("training", "training"),
                    ("images", "images"),
                    ("audio_seconds", "audio seconds"),
                    ("video_seconds", "video seconds"),
                    ("characters", "characters"),
                    ("pages", "pages"),
                    ("searches", "searches"),
                    ("sessions", "sessions"),
                    ("calls", "calls"),
                    ("unclassified", "unclassified"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="proposedadjustment",
            name="token_class",
            field=models.CharField(
                choices=[
                    ("input", "input"),
                    ("cached_input", "cached input"),
                    ("cache_write", "cache write"),
                    ("output", "output"),
                    ("reasoning", "reasoning"),
                    ("long_input", "long input"),
                    ("long_cached_input", "long cached input"),
                    ("long_cache_write", "long cache write"),
                    ("long_output", "long output"),
                    ("audio_input", "audio input"),
                    ("cached_audio_input", "cached audio input"),
                    ("audio_output", "audio output"),
                    ("image_input", "image input"),
                    ("cached_image_input", "cached image input"),
                    ("image_output", "image output"),
                    ("training", "training"),
                    ("images", "images"),
                    ("audio_seconds", "audio seconds"),
                    ("video_seconds", "video seconds"),
                    ("characters", "characters"),
                    ("pages", "pages"),
                    ("searches", "searches"),
                    ("sessions", "sessions"),
                    ("calls", "calls"),
                    ("unclassified", "unclassified"),
                ],
                max_length=24,
            ),
        ),
    ]
