-- Makes the sums of one billing period what its rated days say.
-- Grain: billing_periodtodate one row a tenant, period and subscription.
-- Reads billing_ratedday. Only rows that differ are written; rows with no rated day left go.
WITH summed AS (
    SELECT subscription_id,
           coalesce(sum(cost), 0) AS cost,
           sum(tokens)::bigint AS tokens,
           coalesce(sum(quantity) FILTER (WHERE cost IS NULL), 0)::bigint AS unpriced_tokens
      FROM billing_ratedday
     WHERE tenant_id = %(tenant)s AND day >= %(first_day)s AND day < %(end_day)s
     GROUP BY subscription_id
), removed AS (
    DELETE FROM billing_periodtodate held
     WHERE held.tenant_id = %(tenant)s AND held.first_day = %(first_day)s
       AND NOT EXISTS (SELECT FROM summed WHERE summed.subscription_id = held.subscription_id)
)
INSERT INTO billing_periodtodate AS held
       (tenant_id, first_day, subscription_id, cost, tokens, unpriced_tokens)
SELECT %(tenant)s, %(first_day)s, subscription_id, cost, tokens, unpriced_tokens
  FROM summed
    ON CONFLICT (tenant_id, first_day, subscription_id) DO UPDATE
   SET cost = excluded.cost, tokens = excluded.tokens, unpriced_tokens = excluded.unpriced_tokens
 WHERE (held.cost, held.tokens, held.unpriced_tokens)
       IS DISTINCT FROM (excluded.cost, excluded.tokens, excluded.unpriced_tokens)
