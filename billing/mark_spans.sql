-- Marks the local days on which deployments' classes were used in given spans.
-- Grain: billing_daytorate one row a tenant, day and deployment.
-- Spans are half-open. Those of one deployment from and to the same instants are taken together,
-- since one row of usage has several classes: each row is looked at once.
WITH given AS (
    SELECT deployment_id, since, until, array_agg(token_class) AS classes,
           bool_or(token_class = 'input') AS input,
           bool_or(token_class = 'cached_input') AS cached_input,
           bool_or(token_class = 'output') AS output,
           bool_or(token_class = 'reasoning') AS reasoning
      FROM unnest(%(deployments)s::bigint[], %(classes)s::text[], %(since)s::timestamptz[],
                  %(until)s::timestamptz[]) AS span (deployment_id, token_class, since, until)
     GROUP BY deployment_id, since, until
), buckets AS (
    SELECT used.deployment_id, used.bucket_start
      FROM given
      JOIN billing_usage used
        ON used.tenant_id = %(tenant)s
       AND used.deployment_id = given.deployment_id
       AND used.bucket_start >= given.since
       AND (given.until IS NULL OR used.bucket_start < given.until)
     WHERE used.bucket_start >= %(first)s
       AND (given.input AND used.input_tokens > 0
            OR given.cached_input AND used.cached_input_tokens > 0
            OR given.output AND used.output_tokens > 0
            OR given.reasoning AND used.reasoning_tokens > 0)
     GROUP BY 1, 2
     UNION
    SELECT used.deployment_id, used.bucket_start
      FROM given
      JOIN billing_classusage used
        ON used.tenant_id = %(tenant)s
       AND used.deployment_id = given.deployment_id
       AND used.bucket_start >= given.since
       AND (given.until IS NULL OR used.bucket_start < given.until)
     WHERE used.bucket_start >= %(first)s
       AND used.token_class = ANY(given.classes)
)
INSERT INTO billing_daytorate (tenant_id, day, deployment_id)
SELECT DISTINCT %(tenant)s, (bucket_start AT TIME ZONE %(zone)s)::date, deployment_id
  FROM buckets
 ORDER BY 2, 3
    ON CONFLICT (tenant_id, day, deployment_id) DO NOTHING
