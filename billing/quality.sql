-- How much of what teams bore in a range of local days tells what the tenant requires of a call.
-- Grain: team × subscription × what is missing (an array of dimensions; empty: nothing). Each rated
-- day belongs to the team that owned its subscription then, as on a statement. Null cost: nothing
-- of it has a price.
WITH borne AS (
    SELECT owner.team_id, rated.subscription_id, rated.series_id, sum(rated.cost) AS cost,
           sum(rated.tokens) AS tokens
      FROM billing_ratedday rated
      JOIN inventory_owner owner
        ON owner.tenant_id = rated.tenant_id
       AND owner.subscription_id = rated.subscription_id
       AND owner.from_day <= rated.day
       AND (owner.until_day IS NULL OR rated.day < owner.until_day)
     WHERE rated.tenant_id = %(tenant)s
       AND rated.day >= %(first_day)s
       AND rated.day < %(end_day)s
       AND owner.team_id IS NOT NULL
       AND (%(team)s::bigint IS NULL OR owner.team_id = %(team)s)
     GROUP BY 1, 2, 3
)
SELECT borne.team_id,
       coalesce(nullif(subscription.name, ''), '(no subscription)') AS subscription,
       told.missing,
       sum(borne.cost) AS cost,
       sum(borne.tokens)::bigint AS tokens
  FROM borne
  JOIN billing_series series
    ON series.tenant_id = %(tenant)s AND series.id = borne.series_id
  JOIN inventory_subscription subscription
    ON subscription.tenant_id = %(tenant)s AND subscription.id = borne.subscription_id
 CROSS JOIN LATERAL (
           SELECT ARRAY(SELECT one FROM unnest(%(required)s::text[]) one
                         WHERE to_jsonb(series) ->> one IN ('', %(more)s)) AS missing
       ) told
 GROUP BY borne.team_id, borne.subscription_id, subscription.name, told.missing
 ORDER BY borne.team_id, subscription.name, told.missing
