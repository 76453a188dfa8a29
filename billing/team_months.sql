-- What each team bore in each month: the totals of their statements, before rounding.
-- Grain: month (as its first day), team. Reads billing_ratedday, and inventory_owner for whose each
-- day was, as statement.sql does. The order is part of the promise: lists go on after a key of it.
SELECT date_trunc('month', rated.day)::date AS first_day,
       team.id AS team_id,
       team.slug AS team_slug,
       team.name AS team,
       coalesce(sum(rated.cost), 0) AS cost,
       sum(rated.tokens)::bigint AS tokens,
       coalesce(sum(rated.quantity) FILTER (WHERE rated.cost IS NULL), 0)::bigint
           AS unpriced_tokens
  FROM billing_ratedday rated
  JOIN inventory_owner owner
    ON owner.tenant_id = rated.tenant_id
   AND owner.subscription_id = rated.subscription_id
   AND owner.from_day <= rated.day
   AND (owner.until_day IS NULL OR rated.day < owner.until_day)
  JOIN inventory_team team ON team.tenant_id = owner.tenant_id AND team.id = owner.team_id
 WHERE rated.tenant_id = %(tenant)s
   AND owner.team_id = ANY(%(teams)s::bigint[])
   AND rated.day >= %(first_day)s
   AND rated.day < %(end_day)s
 GROUP BY 1, team.id, team.slug, team.name
HAVING (date_trunc('month', rated.day)::date, team.slug) > (%(after_day)s::date, %(after_team)s)
 ORDER BY 1, team.slug
 LIMIT %(most)s
