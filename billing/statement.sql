-- The lines of one team's statement of a period.
-- Grain: subscription, deployment, token class, price, exchange rate; null cost is unpriced.
-- Reads billing_ratedday, and inventory_owner for whose each day was.
-- The order is part of the promise: lines are numbered by it.
SELECT rated.subscription_id,
       coalesce(nullif(subscription.name, ''), '(no subscription)') AS subscription,
       gateway.name AS gateway,
       product.display_name AS product,
       coalesce(nullif(deployment.name, ''), '(unnamed deployment)') AS deployment,
       deployment.model,
       rated.token_class,
       meter.meter_name AS meter,
       meter.azure_id AS meter_id,
       price.unit_price,
       price.currency AS price_currency,
       price.effective_from AS price_from,
       exchange.rate,
       exchange.effective_from AS rate_from,
       exchange.source AS rate_source,
       sum(rated.quantity)::bigint AS quantity,
       sum(rated.cost) AS cost
  FROM billing_ratedday rated
  JOIN inventory_owner owner
    ON owner.tenant_id = rated.tenant_id
   AND owner.subscription_id = rated.subscription_id
   AND owner.from_day <= rated.day
   AND (owner.until_day IS NULL OR rated.day < owner.until_day)
  JOIN inventory_subscription subscription
    ON subscription.tenant_id = rated.tenant_id AND subscription.id = rated.subscription_id
  JOIN inventory_gateway gateway
    ON gateway.tenant_id = rated.tenant_id AND gateway.id = subscription.gateway_id
  JOIN inventory_deployment deployment
    ON deployment.tenant_id = rated.tenant_id AND deployment.id = rated.deployment_id
  LEFT JOIN inventory_product product
    ON product.tenant_id = rated.tenant_id AND product.id = subscription.product_id
  LEFT JOIN billing_price price ON price.id = rated.price_id
  LEFT JOIN billing_meter meter ON meter.id = price.meter_id
  LEFT JOIN billing_exchangerate exchange
    ON exchange.tenant_id = rated.tenant_id AND exchange.id = rated.exchange_rate_id
 WHERE rated.tenant_id = %(tenant)s
   AND owner.team_id = %(team)s
   AND rated.day >= %(first_day)s
   AND rated.day < %(end_day)s
 GROUP BY rated.subscription_id, subscription.name, gateway.name, product.display_name,
          deployment.name, deployment.host, deployment.model, rated.token_class, meter.meter_name,
          meter.azure_id, price.unit_price, price.currency, price.effective_from, exchange.rate,
          exchange.effective_from, exchange.source
 ORDER BY gateway.name, subscription.name, deployment.name, deployment.host, rated.token_class,
          price.effective_from, exchange.effective_from
