-- Marks the local days of usage that is priced otherwise than it was.
-- Grain: billing_daytorate one row a tenant, day and deployment.
-- Reads the spans in which meters' prices differ; a meter prices the usage of a deployment from its
-- mapping's start to the start of the next one of the same class.
WITH shifted AS (
    SELECT meter_id, since, coalesce(until, 'infinity') AS until
      FROM unnest(%(meters)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[])
           AS given (meter_id, since, until)
), mapped AS (
    SELECT deployment_id, token_class, meter_id, effective_from AS starts,
           coalesce(lead(effective_from) OVER (
               PARTITION BY deployment_id, token_class ORDER BY effective_from
           ), 'infinity') AS ends
      FROM billing_metermapping
     WHERE tenant_id = %(tenant)s
), touched AS (
    SELECT DISTINCT mapped.deployment_id, mapped.token_class,
           greatest(mapped.starts, shifted.since) AS since,
           least(mapped.ends, shifted.until) AS until
      FROM mapped
      JOIN shifted
        ON shifted.meter_id = mapped.meter_id
       AND shifted.since < mapped.ends
       AND mapped.starts < shifted.until
), used AS (
    SELECT deployment_id, bucket_start, classed.token_class
      FROM billing_usage
     CROSS JOIN LATERAL (VALUES ('input', input_tokens), ('cached_input', cached_input_tokens),
                                ('output', output_tokens)) classed (token_class, quantity)
     WHERE tenant_id = %(tenant)s AND classed.quantity > 0
       AND bucket_start >= (SELECT min(since) FROM touched)
     UNION ALL
    SELECT deployment_id, bucket_start, token_class
      FROM billing_classusage
     WHERE tenant_id = %(tenant)s
)
INSERT INTO billing_daytorate (tenant_id, day, deployment_id)
SELECT DISTINCT %(tenant)s, (bucket_start AT TIME ZONE %(zone)s)::date, deployment_id
  FROM (SELECT used.deployment_id, used.bucket_start
          FROM touched
          JOIN used
            ON used.deployment_id = touched.deployment_id
           AND used.token_class = touched.token_class
           AND used.bucket_start >= touched.since
           AND used.bucket_start < touched.until
         GROUP BY 1, 2) buckets
 ORDER BY 2, 3
    ON CONFLICT (tenant_id, day, deployment_id) DO NOTHING
