-- The situation of every APIM subscription of a tenant, for one decision each.
-- Grain: subscription. Reads the quota in force (the subscription's own before its product's; the
-- latest start counts), the period's cost so far, the open suspension, and how far usage was read.
SELECT subscription.id AS subscription_id,
       subscription.name,
       subscription.gateway_id,
       gateway.name AS gateway,
       subscription.state AS observed,
       subscription.origin = 'inventory' AND subscription.vanished_at IS NULL AS listed,
       quota.id AS quota_id,
       quota.limit,
       coalesce(quota.hardness = 'hard', false) AS hard,
       coalesce(spent.cost, 0) AS cost,
       coalesce(spent.tokens, 0) AS tokens,
       coalesce(spent.unpriced_tokens, 0) AS unpriced_tokens,
       feed.through AS usage_through,
       suspension.id AS suspension_id,
       suspension.since AS suspended_since
  FROM inventory_subscription subscription
  JOIN inventory_gateway gateway
    ON gateway.tenant_id = subscription.tenant_id AND gateway.id = subscription.gateway_id
  LEFT JOIN LATERAL (
       SELECT quota.id, quota."limit", quota.hardness
         FROM governance_quota quota
        WHERE quota.tenant_id = subscription.tenant_id
          AND (quota.subscription_id = subscription.id
               OR quota.product_id = subscription.product_id)
          AND quota.effective_from <= %(at)s
          AND (quota.effective_until IS NULL OR quota.effective_until > %(at)s)
        ORDER BY quota.subscription_id IS NULL, quota.effective_from DESC
        LIMIT 1
       ) quota ON true
  LEFT JOIN billing_periodtodate spent
    ON spent.tenant_id = subscription.tenant_id
   AND spent.subscription_id = subscription.id
   AND spent.first_day = %(first_day)s
  LEFT JOIN billing_usagefeed feed
    ON feed.tenant_id = subscription.tenant_id AND feed.gateway_id = subscription.gateway_id
  LEFT JOIN governance_suspension suspension
    ON suspension.tenant_id = subscription.tenant_id
   AND suspension.subscription_id = subscription.id
   AND suspension.lifted_at IS NULL
 WHERE subscription.tenant_id = %(tenant)s
   AND (%(only)s::bigint IS NULL OR subscription.id = %(only)s)
 ORDER BY gateway.name, subscription.name
