-- What was used, what it cost and how often was called in a range of local days, by any values.
-- Grain: the values asked for, and one row of everything, which is the sum of the others.
-- Reads billing_ratedday (cost, by class) and billing_usageday (calls): summed apart and put under
-- each other, so that no call counts once a class; each day is of whom the subscription was on it
-- (inventory_owner). Null cost is unpriced. What stands in braces is written in at the start, from
-- the lists of `billing.breakdown`.
WITH bearers AS MATERIALIZED (
    SELECT owner.id, owner.subscription_id, owner.from_day,
           coalesce(owner.until_day, 'infinity') AS until_day, owner.team_id,
           team.slug AS team, team.name AS team_name,
           center.code AS cost_center, center.name AS cost_center_name,
           owner.environment, owner.application
      FROM inventory_owner owner
      LEFT JOIN inventory_team team
             ON team.tenant_id = owner.tenant_id AND team.id = owner.team_id
      LEFT JOIN inventory_costcenter center
             ON center.tenant_id = owner.tenant_id
            AND center.id = coalesce(owner.cost_center_id, team.cost_center_id)
     WHERE owner.tenant_id = %(tenant)s
       AND owner.from_day < %(end_day)s
       AND (owner.until_day IS NULL OR owner.until_day > %(first_day)s)
), told AS MATERIALIZED (
    SELECT series.*, gateway.name AS at_gateway, deployment.model AS model,
           CASE WHEN subscription.name = '' THEN ''
                ELSE gateway.name || '/' || subscription.name END AS called_with,
           CASE WHEN deployment.host = '' THEN deployment.name
                ELSE deployment.host || '/' || deployment.name END AS called
      FROM billing_series series
      JOIN inventory_subscription subscription
        ON subscription.tenant_id = series.tenant_id AND subscription.id = series.subscription_id
      JOIN inventory_gateway gateway
        ON gateway.tenant_id = series.tenant_id AND gateway.id = series.gateway_id
      JOIN inventory_deployment deployment
        ON deployment.tenant_id = series.tenant_id AND deployment.id = series.deployment_id
     WHERE series.tenant_id = %(tenant)s
), chosen AS MATERIALIZED (
    SELECT * FROM told WHERE true {narrowed}
), costs AS (
    SELECT rated.series_id, bearer.id AS bearer_id, {rated_day} AS day, rated.token_class,
           sum(rated.cost) AS cost, sum(rated.tokens) AS tokens, sum(rated.quantity) AS quantity,
           sum(rated.tokens) FILTER (WHERE rated.cost IS NULL) AS unpriced_tokens,
           sum(rated.quantity - rated.tokens) FILTER (WHERE rated.cost IS NULL) AS unpriced_others
      FROM billing_ratedday rated
      JOIN chosen told ON told.id = rated.series_id
      LEFT JOIN bearers bearer
             ON bearer.subscription_id = told.subscription_id
            AND bearer.from_day <= rated.day
            AND rated.day < bearer.until_day
     WHERE rated.tenant_id = %(tenant)s
       AND rated.day >= %(first_day)s
       AND rated.day < %(end_day)s
       AND (%(teams)s::bigint[] IS NULL OR bearer.team_id = ANY(%(teams)s::bigint[]))
       AND (%(only_token_class)s::text IS NULL OR rated.token_class = %(only_token_class)s)
       {borne}
     GROUP BY 1, 2, 3, 4
), counts AS (
    SELECT used.series_id, bearer.id AS bearer_id, {used_day} AS day,
           {summed}
      FROM billing_usageday used
      JOIN chosen told ON told.id = used.series_id
      LEFT JOIN bearers bearer
             ON bearer.subscription_id = told.subscription_id
            AND bearer.from_day <= used.day
            AND used.day < bearer.until_day
     WHERE used.tenant_id = %(tenant)s
       AND used.day >= %(first_day)s
       AND used.day < %(end_day)s
       AND (%(teams)s::bigint[] IS NULL OR bearer.team_id = ANY(%(teams)s::bigint[]))
       AND %(calls)s
       {borne}
     GROUP BY 1, 2, 3
), lines AS (
    SELECT series_id, bearer_id, day, token_class, cost, tokens, quantity, unpriced_tokens,
           unpriced_others, {no_counts}
      FROM costs
     UNION ALL
    SELECT series_id, bearer_id, day, NULL, NULL, NULL, NULL, NULL, NULL, {counted}
      FROM counts
), valued AS (
    SELECT ARRAY[{values}]::text[] AS keys, ARRAY[{labels}]::text[] AS labels, lines.*
      FROM lines
      JOIN chosen told ON told.id = lines.series_id
      LEFT JOIN bearers bearer ON bearer.id = lines.bearer_id
), grouped AS (
    SELECT GROUPING(keys) = 1 AS is_total, keys, min(labels) AS labels,
           sum(cost) AS cost, coalesce(sum(tokens), 0)::bigint AS tokens,
           coalesce(sum(unpriced_tokens), 0)::bigint AS unpriced_tokens,
           coalesce(sum(unpriced_others), 0)::bigint AS unpriced_others,
           ARRAY[{classes}]::bigint[] AS classes,
           ARRAY[{counts}]::bigint[] AS counts,
           ARRAY[{latency}]::bigint[] AS latency,
           ARRAY[{prompts}]::bigint[] AS prompts
      FROM valued
     GROUP BY GROUPING SETS ((keys), ())
), ranked AS (
    SELECT grouped.*, count(*) OVER (PARTITION BY is_total) AS found,
           row_number() OVER (
               PARTITION BY is_total
               ORDER BY {first} cost DESC NULLS LAST, tokens DESC, counts[1] DESC, keys
           ) AS rank
      FROM grouped
)
SELECT is_total, rank, found, keys, labels, cost, tokens, unpriced_tokens, unpriced_others,
       classes, counts, latency, prompts
  FROM ranked
 WHERE is_total OR (rank > %(after)s AND rank <= %(upto)s)
 ORDER BY is_total DESC, rank
