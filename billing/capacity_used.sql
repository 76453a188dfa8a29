-- Who used deployments whose capacity is paid for, in a period.
-- Grain: deployment × team × token class; a null team: nobody owned the subscription that day.
-- Reads the rated days for their quantities alone: what they cost is not asked.
SELECT rated.deployment_id, owner.team_id, rated.token_class, sum(rated.quantity)::bigint
  FROM billing_ratedday rated
  LEFT JOIN inventory_owner owner
    ON owner.tenant_id = rated.tenant_id
   AND owner.subscription_id = rated.subscription_id
   AND owner.from_day <= rated.day
   AND (owner.until_day IS NULL OR rated.day < owner.until_day)
 WHERE rated.tenant_id = %(tenant)s
   AND rated.day >= %(first_day)s AND rated.day < %(end_day)s
   AND rated.deployment_id = ANY(%(deployments)s)
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
