"""The usage table, partitioned by month, and the function that makes its partitions.

The application owns nothing and cannot create a table: the function does it with the owner's
rights, for months of this century only, each partition under guard from its birth and without
any grant. No lock on anything in use.
"""

from django.db import migrations

from tenancy.row_security import APP_ROLE, IN_SCOPE, security_statements

TABLE = """
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
"""

MONTHS = f"""
CREATE FUNCTION billing_usage_months(earliest timestamptz, latest timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    month timestamp := date_trunc('month', earliest AT TIME ZONE 'UTC');
    part text;
BEGIN
    IF earliest < '2020-01-01Z' OR latest >= '2100-01-01Z' THEN
        RAISE EXCEPTION 'usage from % to % is not of this century', earliest, latest;
    END IF;
    WHILE month <= latest AT TIME ZONE 'UTC' LOOP
        part := 'billing_usage_' || to_char(month, 'YYYY_MM');
        IF to_regclass('public.' || part) IS NULL THEN
            PERFORM pg_advisory_xact_lock(7418);
            IF to_regclass('public.' || part) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE public.%I PARTITION OF public.billing_usage'
                    ' FOR VALUES FROM (%L) TO (%L)',
                    part, month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
                EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', part);
                EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', part);
                EXECUTE format(
                    'CREATE POLICY tenant_isolation ON public.%I USING (%s) WITH CHECK (%s)',
                    part, $policy${IN_SCOPE}$policy$, $policy${IN_SCOPE}$policy$);
            END IF;
        END IF;
        month := month + interval '1 month';
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION billing_usage_months(timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION billing_usage_months(timestamptz, timestamptz) TO {APP_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [
        migrations.RunSQL(TABLE, "DROP TABLE billing_usage"),
        migrations.RunSQL(
            ";\n".join(security_statements("billing_usage", "SELECT, INSERT, UPDATE, DELETE")),
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(MONTHS, "DROP FUNCTION billing_usage_months(timestamptz, timestamptz)"),
    ]
