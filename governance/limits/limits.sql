-- Every limit that applies to some subscriptions at an instant, tightest first, with its subject.
-- Grain: subscription x limit. What applies, how much of it is used and which binds is said by
-- `governance_limits` (in the migrations), which decisions.sql reads too.
SELECT applied.subscription_id,
       applied.level,
       applied.subject_id,
       coalesce(product.display_name, team.name, center.code || ' ' || center.name, '') AS subject,
       applied.quota_id,
       applied.unit,
       applied.span,
       applied.hardness,
       applied.thresholds,
       applied.base,
       applied.extra,
       applied.extra_until,
       applied.carried,
       applied."limit",
       applied.used,
       applied.unpriced_tokens
  FROM governance_limits(%(tenant)s, %(at)s, %(zone)s, %(hour)s, %(day)s, %(week)s, %(month)s,
                         %(year)s, %(only)s) applied
  LEFT JOIN inventory_product product
    ON applied.level = 'product' AND product.tenant_id = %(tenant)s
   AND product.id = applied.subject_id
  LEFT JOIN inventory_team team
    ON applied.level = 'team' AND team.tenant_id = %(tenant)s AND team.id = applied.subject_id
  LEFT JOIN inventory_costcenter center
    ON applied.level = 'cost_center' AND center.tenant_id = %(tenant)s
   AND center.id = applied.subject_id
 ORDER BY applied.subscription_id, applied.place
