-- The assignments that were recorded after their first day and moved days of a team's period.
-- Grain: assignment. It moved the days from its own to before the next one's that was known then,
-- and before the day on which it was recorded: those were over. Rows are known in the order of
-- their ids. Reads inventory_ownership, and billing_ratedday for what the days cost as rated now;
-- null cost is unpriced. A team's and a cost center's change count; others move no amount.
WITH later AS (
    SELECT move.id, move.tenant_id, move.subscription_id, move.team_id, move.cost_center_id,
           move.from_day, move.recorded_at, move.recorded_by, move.reason,
           before.team_id AS before_team_id,
           before.cost_center_id AS before_cost_center_id,
           greatest(move.from_day, %(first_day)s) AS first_day,
           least((move.recorded_at AT TIME ZONE %(zone)s)::date, next.from_day, %(end_day)s)
               AS end_day
      FROM inventory_ownership move
      LEFT JOIN LATERAL (
               SELECT known.team_id, known.cost_center_id
                 FROM inventory_ownership known
                WHERE known.tenant_id = move.tenant_id
                  AND known.subscription_id = move.subscription_id
                  AND known.from_day <= move.from_day
                  AND known.id < move.id
                ORDER BY known.from_day DESC, known.id DESC
                LIMIT 1
           ) before ON true
      LEFT JOIN LATERAL (
               SELECT min(known.from_day) AS from_day
                 FROM inventory_ownership known
                WHERE known.tenant_id = move.tenant_id
                  AND known.subscription_id = move.subscription_id
                  AND known.from_day > move.from_day
                  AND known.id < move.id
           ) next ON true
     WHERE move.tenant_id = %(tenant)s
       AND move.from_day < %(end_day)s
       AND move.from_day < (move.recorded_at AT TIME ZONE %(zone)s)::date
       AND %(team)s IN (move.team_id, before.team_id)
)
SELECT CASE WHEN later.team_id IS NOT DISTINCT FROM later.before_team_id THEN 'within'
            WHEN later.team_id = %(team)s THEN 'in'
            ELSE 'out'
       END AS way,
       coalesce(nullif(subscription.name, ''), '(no subscription)') AS subscription,
       gateway.name AS gateway,
       coalesce(old_team.name, '') AS from_team,
       coalesce(old_center.code || ' ' || old_center.name, '') AS from_cost_center,
       coalesce(new_team.name, '') AS to_team,
       coalesce(new_center.code || ' ' || new_center.name, '') AS to_cost_center,
       later.from_day,
       later.first_day,
       later.end_day - 1 AS last_day,
       later.recorded_at,
       later.recorded_by,
       later.reason,
       coalesce(moved.cost, 0) AS cost,
       coalesce(moved.unpriced_tokens, 0)::bigint AS unpriced_tokens
  FROM later
  JOIN inventory_subscription subscription
    ON subscription.tenant_id = later.tenant_id AND subscription.id = later.subscription_id
  JOIN inventory_gateway gateway
    ON gateway.tenant_id = later.tenant_id AND gateway.id = subscription.gateway_id
  LEFT JOIN inventory_team old_team
    ON old_team.tenant_id = later.tenant_id AND old_team.id = later.before_team_id
  LEFT JOIN inventory_team new_team
    ON new_team.tenant_id = later.tenant_id AND new_team.id = later.team_id
  LEFT JOIN inventory_costcenter old_center
    ON old_center.tenant_id = later.tenant_id
   AND old_center.id = coalesce(later.before_cost_center_id, old_team.cost_center_id)
  LEFT JOIN inventory_costcenter new_center
    ON new_center.tenant_id = later.tenant_id
   AND new_center.id = coalesce(later.cost_center_id, new_team.cost_center_id)
  LEFT JOIN LATERAL (
           SELECT sum(rated.cost) AS cost,
                  sum(rated.quantity) FILTER (WHERE rated.cost IS NULL) AS unpriced_tokens
             FROM billing_ratedday rated
            WHERE rated.tenant_id = later.tenant_id
              AND rated.subscription_id = later.subscription_id
              AND rated.day >= later.first_day
              AND rated.day < later.end_day
       ) moved ON true
 WHERE later.first_day < later.end_day
   AND (later.team_id IS DISTINCT FROM later.before_team_id
        OR old_center.id IS DISTINCT FROM new_center.id)
 ORDER BY later.recorded_at, later.id
