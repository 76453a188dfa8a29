-- Usage in open months that nothing prices, for one tenant.
-- Grain: deployment × token class. Reads the rated days without a cost, and, of the days that
-- wait to be rated, the usage of classes that no mapping is in force for: a rated day that waits
-- is older than its usage. A null team: nobody owned the subscription on that day.
WITH found AS (
    SELECT rated.deployment_id, rated.token_class, rated.subscription_id, rated.day,
           rated.quantity
      FROM billing_ratedday rated
     WHERE rated.tenant_id = %(tenant)s
       AND rated.cost IS NULL
       AND NOT EXISTS (SELECT FROM billing_daytorate waiting
                        WHERE waiting.tenant_id = rated.tenant_id
                          AND waiting.day = rated.day
                          AND waiting.deployment_id = rated.deployment_id)
     UNION ALL
    SELECT used.deployment_id, used.token_class, used.subscription_id, waiting.day, used.quantity
      FROM billing_daytorate waiting
      JOIN (SELECT bucket_start, deployment_id, subscription_id, classed.token_class,
                   classed.quantity
              FROM billing_usage
             CROSS JOIN LATERAL (VALUES ('input', input_tokens),
                                        ('cached_input', cached_input_tokens),
                                        ('output', output_tokens),
                                        ('reasoning', reasoning_tokens)
                                ) classed (token_class, quantity)
             WHERE tenant_id = %(tenant)s AND classed.quantity > 0
               AND bucket_start >= %(start)s AND bucket_start < %(end)s
             UNION ALL
            SELECT bucket_start, deployment_id, subscription_id, token_class, quantity
              FROM billing_classusage
             WHERE tenant_id = %(tenant)s
               AND bucket_start >= %(start)s AND bucket_start < %(end)s) used
        ON used.deployment_id = waiting.deployment_id
       AND waiting.day = (used.bucket_start AT TIME ZONE %(zone)s)::date
     WHERE waiting.tenant_id = %(tenant)s
       AND NOT EXISTS (SELECT FROM billing_metermapping mapped
                        WHERE mapped.tenant_id = %(tenant)s
                          AND mapped.deployment_id = used.deployment_id
                          AND mapped.token_class = used.token_class
                          AND mapped.effective_from <= used.bucket_start)
)
SELECT found.deployment_id, found.token_class, sum(found.quantity)::bigint, min(found.day),
       max(found.day), array_agg(DISTINCT owner.team_id)
  FROM found
  LEFT JOIN inventory_owner owner
    ON owner.tenant_id = %(tenant)s
   AND owner.subscription_id = found.subscription_id
   AND owner.from_day <= found.day
   AND (owner.until_day IS NULL OR found.day < owner.until_day)
 WHERE NOT EXISTS (SELECT FROM billing_closedmonth closed
                    WHERE closed.tenant_id = %(tenant)s
                      AND closed.first_day = date_trunc('month', found.day)::date)
 GROUP BY found.deployment_id, found.token_class
 ORDER BY found.deployment_id, found.token_class
