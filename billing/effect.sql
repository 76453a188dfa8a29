-- What a planned change would do to the cost of the days it touches.
-- Grain: closed or open × month × team × subscription; a null team: nobody owned it on those days.
-- Reads days_before and days_after: the same days of the same usage, computed without the change
-- and with it; inventory_owner for whose each day was; the closed months.
WITH sides AS (
    SELECT day, subscription_id, token_class, quantity, cost, false AS changed FROM days_before
     UNION ALL
    SELECT day, subscription_id, token_class, quantity, cost, true FROM days_after
)
SELECT closed.first_day IS NOT NULL AS closed,
       date_trunc('month', sides.day)::date AS first_day,
       owner.team_id,
       sides.subscription_id,
       sum(sides.cost) FILTER (WHERE NOT sides.changed) AS before,
       sum(sides.cost) FILTER (WHERE sides.changed) AS after,
       coalesce(sum(sides.quantity) FILTER (WHERE NOT sides.changed AND sides.cost IS NULL), 0)
           ::bigint AS unpriced_before,
       coalesce(sum(sides.quantity) FILTER (WHERE sides.changed AND sides.cost IS NULL), 0)
           ::bigint AS unpriced_after
  FROM sides
  LEFT JOIN inventory_owner owner
    ON owner.tenant_id = %(tenant)s
   AND owner.subscription_id = sides.subscription_id
   AND owner.from_day <= sides.day
   AND (owner.until_day IS NULL OR sides.day < owner.until_day)
  LEFT JOIN billing_closedmonth closed
    ON closed.tenant_id = %(tenant)s
   AND closed.first_day = date_trunc('month', sides.day)::date
 GROUP BY 1, 2, 3, 4
 ORDER BY 1, 2, 3, 4
