-- The situation of every APIM subscription of a tenant, for one decision each.
-- Grain: subscription. Reads what binds it (`governance_limits`, as quotas do), the open
-- suspension, and how far usage was read.
SELECT subscription.id AS subscription_id,
       subscription.name,
       subscription.gateway_id,
       gateway.name AS gateway,
       subscription.state AS observed,
       subscription.origin = 'inventory' AND subscription.vanished_at IS NULL AS listed,
       binding.quota_id,
       binding.level,
       binding.unit,
       binding.span,
       binding."limit",
       coalesce(binding.hardness = 'hard', false) AS hard,
       coalesce(binding.used, 0) AS used,
       coalesce(binding.unpriced_tokens, 0) AS unpriced_tokens,
       binding.all_start AS counts_from,
       feed.through AS usage_through,
       suspension.since AS suspended_since,
       suspension.evidence ->> 'span' AS suspended_span
  FROM inventory_subscription subscription
  JOIN inventory_gateway gateway
    ON gateway.tenant_id = subscription.tenant_id AND gateway.id = subscription.gateway_id
  LEFT JOIN governance_limits(%(tenant)s, %(at)s, %(zone)s, %(hour)s, %(day)s, %(week)s, %(month)s,
                              %(year)s, %(only)s) binding
    ON binding.subscription_id = subscription.id AND binding.place = 1
  LEFT JOIN billing_usagefeed feed
    ON feed.tenant_id = subscription.tenant_id AND feed.gateway_id = subscription.gateway_id
  LEFT JOIN governance_suspension suspension
    ON suspension.tenant_id = subscription.tenant_id
   AND suspension.subscription_id = subscription.id
   AND suspension.lifted_at IS NULL
 WHERE subscription.tenant_id = %(tenant)s
   AND (%(only)s::bigint[] IS NULL OR subscription.id = ANY (%(only)s::bigint[]))
