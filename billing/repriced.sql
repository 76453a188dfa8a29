-- Where newer loads of the price list make a meter's price another, for one tenant.
-- Grain: meter × span; half-open, no end: to this day. Reads the prices of mapped meters that
-- usage can be charged by, as price_terms.sql does: a price is in force from its start to the
-- start of the next one that is believed. A suspect one that is accepted is no news here: the
-- decision marked its days.
SELECT meter_id, since, until
  FROM (SELECT price.meter_id, price.effective_from AS since,
               lead(price.effective_from) OVER (
                   PARTITION BY price.meter_id ORDER BY price.effective_from
               ) AS until,
               bool_or(price.run_id > %(after)s AND price.doubts = '[]'::jsonb) AS newer
          FROM billing_price price
          LEFT JOIN billing_pricedecision decided
                 ON decided.tenant_id = %(tenant)s AND decided.price_id = price.id
         WHERE price.meter_id IN (SELECT mapped.meter_id FROM billing_metermapping mapped
                                   WHERE mapped.tenant_id = %(tenant)s)
           AND price.price_type = 'Consumption'
           AND price.tier_minimum_units = 0
           AND price.currency = %(list_currency)s
           AND coalesce(decided.verdict = 'accepted', price.doubts = '[]'::jsonb)
         GROUP BY price.meter_id, price.effective_from) believed
 WHERE newer
