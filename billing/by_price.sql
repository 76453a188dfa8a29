-- What a team or a subscription bore, by model, token class and price; null cost is unpriced.
-- Grain: deployment, token class, price, sheet, markup. Reads billing_ratedday, and inventory_owner
-- for whose each day was. Of a team: the days on which it owned them; of a subscription: all.
-- The days are summed by what they were charged by before anything is looked up for them: they are
-- many times as many. Joined in the order written here (`tenancy.joins`).
WITH rated AS MATERIALIZED (
    SELECT days.tenant_id, days.deployment_id, days.token_class, days.price_id,
           days.sheet_line_id, days.markup_line_id, days.unit_price, days.price_currency,
           days.units_per_price, days.cost IS NULL AS unpriced,
           sum(days.quantity) AS quantity, sum(days.list_cost) AS list_cost,
           sum(days.cost) AS cost
      FROM billing_ratedday days
      LEFT JOIN inventory_owner owner
        ON owner.tenant_id = days.tenant_id
       AND owner.subscription_id = days.subscription_id
       AND owner.from_day <= days.day
       AND (owner.until_day IS NULL OR days.day < owner.until_day)
     WHERE days.tenant_id = %(tenant)s
       AND (%(team)s::bigint IS NULL OR owner.team_id = %(team)s)
       AND (%(subscription)s::bigint IS NULL OR days.subscription_id = %(subscription)s)
       AND days.day >= %(first_day)s
       AND days.day < %(end_day)s
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
)
SELECT deployment.model,
       deployment.name,
       rated.token_class,
       sum(rated.quantity)::bigint AS quantity,
       rated.unit_price,
       rated.units_per_price,
       nullif(rated.price_currency, '') AS price_currency,
       coalesce(sheet.effective_from, price.effective_from) AS price_from,
       max(greatest(price.effective_from, sheet.effective_from, markup_sheet.effective_from))
           AS holds_from,
       coalesce(meter.azure_id, own_meter.azure_id, '') AS meter_id,
       coalesce(sheet.name, '') AS sheet,
       markup.percent AS markup,
       coalesce(price.currency, '') AS list_currency,
       sum(rated.list_cost) AS list_cost,
       sum(rated.cost) AS cost
  FROM rated
  JOIN inventory_deployment deployment
    ON deployment.tenant_id = rated.tenant_id AND deployment.id = rated.deployment_id
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
 GROUP BY deployment.model, deployment.name, rated.token_class, rated.unit_price,
          rated.units_per_price, 7, 8, 10, 11, markup.percent, 13, rated.unpriced
 ORDER BY sum(rated.cost) DESC NULLS LAST, deployment.name, rated.token_class
