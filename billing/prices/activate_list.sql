-- Makes the staged list the list in force: every meter known, every price dated.
-- Grain: billing_meter one row an Azure meter; billing_price one row a meter and effective date.
-- Reads price_stage. A key that the list gives twice with unlike prices is left out and counted.
-- Meters first, since prices point to them; only rows that differ are written.
WITH listed AS (
    SELECT azure_id, effective_from, min(unit_price) AS unit_price, min(listed_price) AS listed_price,
           min(unit_of_measure) AS unit_of_measure, min(currency) AS currency,
           count(DISTINCT (unit_price, unit_of_measure)) = 1 AS agrees
      FROM price_stage
     GROUP BY azure_id, effective_from
), written_meters AS (
    INSERT INTO billing_meter AS known
           (azure_id, meter_name, product_name, sku_name, service_name, region, unit_of_measure)
    SELECT DISTINCT ON (azure_id)
           azure_id, meter_name, product_name, sku_name, service_name, region, unit_of_measure
      FROM price_stage
     ORDER BY azure_id, effective_from DESC, sku_name, meter_name
        ON CONFLICT (azure_id) DO UPDATE
       SET meter_name = excluded.meter_name, product_name = excluded.product_name,
           sku_name = excluded.sku_name, service_name = excluded.service_name,
           region = excluded.region, unit_of_measure = excluded.unit_of_measure
     WHERE (known.meter_name, known.product_name, known.sku_name, known.service_name,
            known.region, known.unit_of_measure)
           IS DISTINCT FROM
           (excluded.meter_name, excluded.product_name, excluded.sku_name, excluded.service_name,
            excluded.region, excluded.unit_of_measure)
    RETURNING id, azure_id
), meters AS (
    SELECT id, azure_id FROM written_meters
     UNION
    SELECT id, azure_id FROM billing_meter
), written_prices AS (
    INSERT INTO billing_price
           (meter_id, effective_from, price_type, reservation_term, tier_minimum_units, currency,
            listed_price, unit_of_measure, unit_price, doubts, run_id)
    SELECT meters.id, listed.effective_from, 'Consumption', '', 0, listed.currency,
           listed.listed_price, listed.unit_of_measure, listed.unit_price, '[]', %(run)s
      FROM listed JOIN meters USING (azure_id)
      LEFT JOIN LATERAL (
           SELECT known.unit_price FROM billing_price known
            WHERE known.meter_id = meters.id AND known.effective_from = listed.effective_from
              AND known.price_type = 'Consumption' AND known.tier_minimum_units = 0
              AND known.currency = listed.currency
            ORDER BY known.run_id DESC LIMIT 1) known ON true
     WHERE listed.agrees AND known.unit_price IS DISTINCT FROM listed.unit_price
    RETURNING 1
)
SELECT (SELECT count(DISTINCT azure_id) FROM price_stage),
       (SELECT count(*) FROM written_prices),
       (SELECT count(*) FROM listed WHERE NOT agrees)
