-- By how much a closed month would differ if it were rated today, for the staged deployments.
-- Grain: billing_proposedadjustment one row a month, subscription, deployment and token class.
-- Reads the month's rated days, which stand, and days_adjusted: the same deployments' days
-- computed anew. What no longer differs is no longer proposed.
WITH before AS (
    SELECT subscription_id, deployment_id, token_class, sum(quantity)::bigint AS quantity,
           CASE WHEN bool_and(cost IS NOT NULL) THEN sum(cost) END AS cost
      FROM billing_ratedday
     WHERE tenant_id = %(tenant)s AND day >= %(first_day)s AND day < %(end_day)s
       AND deployment_id IN (SELECT deployment_id FROM day_stage)
     GROUP BY 1, 2, 3
), after AS (
    SELECT subscription_id, deployment_id, token_class, sum(quantity)::bigint AS quantity,
           CASE WHEN bool_and(cost IS NOT NULL) THEN sum(cost) END AS cost
      FROM days_adjusted
     GROUP BY 1, 2, 3
), differing AS (
    SELECT subscription_id, deployment_id, token_class,
           coalesce(before.quantity, 0) AS quantity_before,
           coalesce(after.quantity, 0) AS quantity_after,
           CASE WHEN before.quantity IS NULL THEN 0 ELSE before.cost END AS cost_before,
           CASE WHEN after.quantity IS NULL THEN 0 ELSE after.cost END AS cost_after
      FROM before FULL JOIN after USING (subscription_id, deployment_id, token_class)
     WHERE (before.quantity, before.cost) IS DISTINCT FROM (after.quantity, after.cost)
), settled AS (
    DELETE FROM billing_proposedadjustment held
     WHERE held.tenant_id = %(tenant)s AND held.first_day = %(first_day)s
       AND held.deployment_id IN (SELECT deployment_id FROM day_stage)
       AND NOT EXISTS (
           SELECT FROM differing
            WHERE (differing.subscription_id, differing.deployment_id, differing.token_class)
                  = (held.subscription_id, held.deployment_id, held.token_class))
)
INSERT INTO billing_proposedadjustment AS held
       (tenant_id, first_day, subscription_id, deployment_id, token_class,
        quantity_before, quantity_after, cost_before, cost_after)
SELECT %(tenant)s, %(first_day)s, subscription_id, deployment_id, token_class,
       quantity_before, quantity_after, cost_before, cost_after
  FROM differing
 ORDER BY subscription_id, deployment_id, token_class
    ON CONFLICT (tenant_id, first_day, subscription_id, deployment_id, token_class) DO UPDATE
   SET quantity_before = excluded.quantity_before, quantity_after = excluded.quantity_after,
       cost_before = excluded.cost_before, cost_after = excluded.cost_after
 WHERE (held.quantity_before, held.quantity_after, held.cost_before, held.cost_after)
       IS DISTINCT FROM
       (excluded.quantity_before, excluded.quantity_after, excluded.cost_before,
        excluded.cost_after)
