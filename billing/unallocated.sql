-- What belongs to no team in a range of local days, by subscription and why.
-- Grain: subscription × reason. Reads the rated days and the sums of what was observed, and
-- inventory_owner for whose each day was. Days that nobody owned, as shares.sql has them with a
-- null team: what is here and what teams bore is everything. Null cost is unpriced.
-- The reasons exclude one another; the first that holds counts.
WITH days AS (
    SELECT subscription_id, day, sum(cost) AS cost, sum(tokens) AS tokens,
           coalesce(sum(quantity) FILTER (WHERE cost IS NULL), 0) AS unpriced_tokens,
           0 AS requests
      FROM billing_ratedday
     WHERE tenant_id = %(tenant)s AND day >= %(first_day)s AND day < %(end_day)s
     GROUP BY 1, 2
     UNION ALL
    SELECT subscription_id, day, NULL, 0, 0, sum(requests)
      FROM billing_usageday
     WHERE tenant_id = %(tenant)s AND day >= %(first_day)s AND day < %(end_day)s
     GROUP BY 1, 2
)
SELECT days.subscription_id,
       CASE WHEN owner.reason <> '' THEN 'left'
            WHEN subscription.name = '' THEN 'none'
            WHEN lower(subscription.name) = ANY(%(built_in)s) THEN 'built-in'
            WHEN subscription.origin = 'usage' THEN 'unknown'
            ELSE 'not-owned'
       END AS reason,
       max(owner.reason) AS said,
       sum(days.cost) AS cost,
       sum(days.tokens)::bigint AS tokens,
       sum(days.unpriced_tokens)::bigint AS unpriced_tokens,
       sum(days.requests)::bigint AS requests,
       min(days.day) AS first_day,
       max(days.day) AS last_day
  FROM days
  JOIN inventory_subscription subscription
    ON subscription.tenant_id = %(tenant)s AND subscription.id = days.subscription_id
  LEFT JOIN inventory_owner owner
    ON owner.tenant_id = %(tenant)s
   AND owner.subscription_id = days.subscription_id
   AND owner.from_day <= days.day
   AND (owner.until_day IS NULL OR days.day < owner.until_day)
 WHERE owner.team_id IS NULL
 GROUP BY 1, 2
 ORDER BY cost DESC NULLS LAST, tokens DESC, requests DESC, 1, 2
