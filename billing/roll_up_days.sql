-- What was observed on the staged local days of deployments, by series.
-- Grain: billing_usageday one row a tenant, day and series. Reads day_stage (which days of which
-- deployments) and usage. The lists of columns are those of `billing.stored`.
WITH summed AS (
    SELECT day_stage.day, used.series_id, min(used.subscription_id) AS subscription_id,
           min(used.deployment_id) AS deployment_id,
           {sums}
      FROM billing_usage used
      JOIN day_stage
        ON day_stage.deployment_id = used.deployment_id
       AND day_stage.day = (used.bucket_start AT TIME ZONE %(zone)s)::date
     WHERE used.tenant_id = %(tenant)s
       AND used.bucket_start >= %(start)s
       AND used.bucket_start < %(end)s
       AND used.deployment_id = ANY(%(deployments)s)
     GROUP BY 1, 2
)
INSERT INTO billing_usageday
       (tenant_id, day, series_id, subscription_id, deployment_id, {counts}, latency, prompts)
SELECT %(tenant)s, day, series_id, subscription_id, deployment_id, {counts},
       ARRAY[{latency}], ARRAY[{prompts}]
  FROM summed
 ORDER BY day, series_id
