-- What a subscription or a team bought in some days, by deployment and token class, and since when
-- it used anything in them.
-- Grain: deployment x token class. Reads billing_ratedday; a team has the days on which it owned a
-- subscription (inventory_owner). Null cost is unpriced: it counts in quantity alone.
WITH borne AS MATERIALIZED (
    SELECT subscription.id AS subscription_id, '-infinity'::date AS from_day,
           'infinity'::date AS until_day
      FROM inventory_subscription subscription
     WHERE subscription.tenant_id = %(tenant)s AND subscription.id = %(subscription)s::bigint
     UNION ALL
    SELECT owner.subscription_id, owner.from_day, coalesce(owner.until_day, 'infinity')
      FROM inventory_owner owner
     WHERE owner.tenant_id = %(tenant)s AND owner.team_id = %(team)s::bigint
), bought AS (
    SELECT rated.deployment_id, rated.token_class,
           sum(rated.quantity) AS quantity,
           coalesce(sum(rated.quantity) FILTER (WHERE rated.cost IS NOT NULL), 0) AS priced,
           coalesce(sum(rated.tokens) FILTER (WHERE rated.cost IS NOT NULL), 0) AS tokens,
           coalesce(sum(rated.cost), 0) AS cost,
           min(rated.day) AS first_day
      FROM borne
      JOIN billing_ratedday rated
        ON rated.tenant_id = %(tenant)s
       AND rated.subscription_id = borne.subscription_id
       AND rated.day >= borne.from_day AND rated.day < borne.until_day
     WHERE rated.day >= %(since)s AND rated.day < %(until)s
     GROUP BY rated.deployment_id, rated.token_class
)
SELECT deployment.name AS deployment, bought.token_class, bought.quantity, bought.priced,
       bought.tokens, bought.cost, min(bought.first_day) OVER () AS first_day
  FROM bought
  JOIN inventory_deployment deployment
    ON deployment.tenant_id = %(tenant)s AND deployment.id = bought.deployment_id
 ORDER BY deployment.name, deployment.id, bought.token_class
