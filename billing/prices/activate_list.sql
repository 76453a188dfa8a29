-- Adds what the staged list states anew, each price with the doubts about it, and records it.
-- Grain: billing_price one row a meter, effective date, type, term, tier, currency and load;
-- billing_pricechange one row a new meter, or a new or restated price of one that was known.
-- Reads price_new and price_doubts. Prices in other currencies are for reference: not recorded.
WITH written AS (
    INSERT INTO billing_price
           (meter_id, effective_from, price_type, reservation_term, tier_minimum_units, currency,
            listed_price, unit_of_measure, unit_price, doubts, run_id)
    SELECT meter_id, effective_from, price_type, reservation_term, tier_minimum_units, currency,
           listed_price, unit_of_measure, unit_price, coalesce(price_doubts.doubts, '[]'), %(run)s
      FROM price_new
      LEFT JOIN price_doubts USING (number)
     WHERE held IS NOT TRUE
     ORDER BY number
    RETURNING id, meter_id, effective_from, price_type, reservation_term, tier_minimum_units,
              currency, unit_price, doubts
), told AS (
    SELECT written.id, meter_id, written.unit_price, stated_id, stated_unit_price, former_id,
           former_unit_price, meter_id > %(newest_meter)s AS new_meter,
           row_number() OVER (
               PARTITION BY meter_id
               ORDER BY price_type, tier_minimum_units, effective_from DESC, reservation_term
           ) AS place
      FROM written
      JOIN price_new USING (meter_id, effective_from, price_type, reservation_term,
                            tier_minimum_units, currency)
     WHERE currency = %(list_currency)s
), recorded AS (
    INSERT INTO billing_pricechange (run_id, kind, meter_id, price_id, before_id, detail)
    SELECT %(run)s, kind, meter_id, id, before_id,
           CASE WHEN before > 0 AND before <> unit_price
                THEN jsonb_build_object('ratio', trim_scale(round(unit_price / before, 6))::text)
                ELSE '{}' END
      FROM (SELECT id, meter_id, unit_price,
                   CASE WHEN new_meter THEN 'new-meter'
                        WHEN stated_id IS NULL THEN 'new-price' ELSE 'restated' END AS kind,
                   CASE WHEN new_meter THEN NULL ELSE coalesce(stated_id, former_id) END
                        AS before_id,
                   CASE WHEN stated_id IS NULL THEN former_unit_price ELSE stated_unit_price END
                        AS before
              FROM told
             WHERE NOT new_meter OR place = 1) changed
     WHERE %(newest_meter)s > 0
     ORDER BY kind, meter_id, id
    RETURNING kind
)
SELECT kind, count(*) FROM recorded GROUP BY kind
 UNION ALL
SELECT 'prices', count(*) FROM written WHERE currency = %(list_currency)s
 UNION ALL
SELECT 'reference prices', count(*) FROM written WHERE currency <> %(list_currency)s
 UNION ALL
SELECT 'suspects', count(*) FROM written WHERE doubts <> '[]'::jsonb
