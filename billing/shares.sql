-- Who bore what in a range of local days: each rated day belongs to the team that owned its
-- subscription on that day.
-- Grain: team × subscription; a null team is unallocated: nobody owned it on those days.
-- Reads billing_ratedday, and inventory_owner for whose each day was. Null cost is unpriced.
SELECT owner.team_id,
       rated.subscription_id,
       sum(rated.cost) AS cost,
       sum(rated.tokens)::bigint AS tokens,
       coalesce(sum(rated.quantity) FILTER (WHERE rated.cost IS NULL), 0)::bigint AS unpriced_tokens
  FROM billing_ratedday rated
  LEFT JOIN inventory_owner owner
    ON owner.tenant_id = rated.tenant_id
   AND owner.subscription_id = rated.subscription_id
   AND owner.from_day <= rated.day
   AND (owner.until_day IS NULL OR rated.day < owner.until_day)
 WHERE rated.tenant_id = %(tenant)s
   AND rated.day >= %(first_day)s
   AND rated.day < %(end_day)s
   AND (%(team)s::bigint IS NULL OR owner.team_id = %(team)s)
 GROUP BY owner.team_id, rated.subscription_id
 ORDER BY owner.team_id, rated.subscription_id
