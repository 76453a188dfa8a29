-- The lines of one team's statement of a period.
-- Grain: subscription, cost center, deployment, token class, price, exchange rate; null cost is
-- unpriced. Reads billing_ratedday, and inventory_owner for whose each day was and which cost center
-- bore it: the team's own unless the ownership names another.
-- The order is part of the promise: lines are numbered by it.
-- The days are summed by what they were charged by before anything is looked up for them: they are
-- many times as many. Joined in the order written here (`tenancy.joins`).
WITH rated AS MATERIALIZED (
    SELECT days.tenant_id, days.subscription_id, days.deployment_id, days.token_class,
           days.price_id, days.sheet_line_id, days.markup_line_id, days.exchange_rate_id,
           days.unit_price, days.price_currency, days.units_per_price,
           days.cost IS NULL AS unpriced,
           owner.team_id, owner.cost_center_id,
           sum(days.quantity) AS quantity, sum(days.list_cost) AS list_cost,
           sum(days.cost) AS cost
      FROM billing_ratedday days
      JOIN inventory_owner owner
        ON owner.tenant_id = days.tenant_id
       AND owner.subscription_id = days.subscription_id
       AND owner.from_day <= days.day
       AND (owner.until_day IS NULL OR days.day < owner.until_day)
     WHERE days.tenant_id = %(tenant)s
       AND owner.team_id = %(team)s
       AND days.day >= %(first_day)s
       AND days.day < %(end_day)s
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
)
SELECT rated.subscription_id,
       coalesce(nullif(subscription.name, ''), '(no subscription)') AS subscription,
       gateway.name AS gateway,
       product.display_name AS product,
       center.code || ' ' || center.name AS cost_center,
       coalesce(nullif(deployment.name, ''), '(unnamed deployment)') AS deployment,
       deployment.model,
       rated.token_class,
       coalesce(meter.meter_name, own_meter.meter_name) AS meter,
       coalesce(meter.azure_id, own_meter.azure_id) AS meter_id,
       rated.unit_price,
       rated.price_currency,
       coalesce(sheet.effective_from, price.effective_from) AS price_from,
       coalesce(sheet.name, '') AS sheet,
       markup.percent AS markup,
       rated.units_per_price,
       price.currency AS list_currency,
       exchange.rate,
       exchange.effective_from AS rate_from,
       exchange.source AS rate_source,
       max(greatest(price.effective_from, sheet.effective_from, markup_sheet.effective_from))
           AS holds_from,
       sum(rated.quantity)::bigint AS quantity,
       sum(rated.list_cost) AS list_cost,
       sum(rated.cost) AS cost
  FROM rated
  JOIN inventory_team team ON team.tenant_id = rated.tenant_id AND team.id = rated.team_id
  JOIN inventory_costcenter center
    ON center.tenant_id = rated.tenant_id
   AND center.id = coalesce(rated.cost_center_id, team.cost_center_id)
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
  LEFT JOIN billing_sheetline line
    ON line.tenant_id = rated.tenant_id AND line.id = rated.sheet_line_id
  LEFT JOIN billing_meter own_meter ON own_meter.id = line.meter_id
  LEFT JOIN billing_pricesheet sheet
    ON sheet.tenant_id = line.tenant_id AND sheet.id = line.sheet_id
  LEFT JOIN billing_sheetline markup
    ON markup.tenant_id = rated.tenant_id AND markup.id = rated.markup_line_id
  LEFT JOIN billing_pricesheet markup_sheet
    ON markup_sheet.tenant_id = markup.tenant_id AND markup_sheet.id = markup.sheet_id
  LEFT JOIN billing_exchangerate exchange
    ON exchange.tenant_id = rated.tenant_id AND exchange.id = rated.exchange_rate_id
 GROUP BY rated.subscription_id, subscription.name, gateway.name, product.display_name,
          center.id, center.code, center.name, deployment.name, deployment.host, deployment.model,
          rated.token_class, 9, 10, rated.unit_price, rated.price_currency, 13, 14, markup.percent,
          rated.units_per_price, price.currency, exchange.rate, exchange.effective_from,
          exchange.source, rated.unpriced
 ORDER BY gateway.name, subscription.name, center.code, deployment.name, deployment.host,
          rated.token_class, price_from, rated.unit_price, exchange.effective_from, rated.unpriced
