-- The bucket of usage in which a subscription's cost reached a limit, this period.
-- Grain: one row, or none. Costs each bucket at the prices and rates of its rated day.
WITH rated AS (
    SELECT day, deployment_id, token_class, sum(cost) / sum(quantity) AS unit_cost
      FROM billing_ratedday
     WHERE tenant_id = %(tenant)s AND subscription_id = %(subscription)s
       AND day >= %(first_day)s AND day < %(end_day)s AND cost IS NOT NULL
     GROUP BY day, deployment_id, token_class
), buckets AS (
    SELECT used.bucket_start,
           sum(classed.quantity * rated.unit_cost) AS cost
      FROM billing_usage used
     CROSS JOIN LATERAL (VALUES ('input', used.input_tokens),
                                ('cached_input', used.cached_input_tokens),
                                ('output', used.output_tokens),
                                ('reasoning', used.reasoning_tokens)
                        ) classed (token_class, quantity)
      JOIN rated ON rated.day = (used.bucket_start AT TIME ZONE %(zone)s)::date
                AND rated.deployment_id = used.deployment_id
                AND rated.token_class = classed.token_class
     WHERE used.tenant_id = %(tenant)s AND used.subscription_id = %(subscription)s
       AND used.bucket_start >= %(start)s AND used.bucket_start < %(end)s
     GROUP BY used.bucket_start
), running AS (
    SELECT bucket_start, sum(cost) OVER (ORDER BY bucket_start) AS so_far FROM buckets
)
SELECT bucket_start, so_far FROM running WHERE so_far >= %(limit)s ORDER BY bucket_start LIMIT 1
