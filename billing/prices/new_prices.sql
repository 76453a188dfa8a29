-- Finds what the staged list states that is not held yet, into price_new.
-- Grain: one row a meter, effective date, type, term, tier and currency. Reads price_stage and
-- billing_price. A key that the list gives twice with unlike prices is left out. ``stated`` is
-- what was stated last of the same key, ``former`` what was in force before and is believed; of
-- what starts earlier than any the earliest. A price that is held back already and is listed
-- again unchanged is among them, ``held``: nothing is added for it.
CREATE TEMP TABLE price_new ON COMMIT DROP AS
WITH listed AS (
    SELECT azure_id, effective_from, price_type, reservation_term, tier_minimum_units, currency,
           min(number) AS number, min(unit_price) AS unit_price,
           min(listed_price) AS listed_price, min(unit_of_measure) AS unit_of_measure
      FROM price_stage
     GROUP BY azure_id, effective_from, price_type, reservation_term, tier_minimum_units, currency
    HAVING count(DISTINCT (unit_price, unit_of_measure)) = 1
)
SELECT listed.*, meter.id AS meter_id, stated.held, stated.id AS stated_id,
       stated.unit_price AS stated_unit_price, former.id AS former_id,
       former.unit_price AS former_unit_price, former.unit_of_measure AS former_unit_of_measure
  FROM listed
  JOIN billing_meter meter USING (azure_id)
  LEFT JOIN LATERAL (
       SELECT price.id, price.unit_price, price.doubts <> '[]'::jsonb
              AND price.unit_price = listed.unit_price
              AND price.unit_of_measure = listed.unit_of_measure AS held,
              price.unit_price = listed.unit_price
              AND price.unit_of_measure = listed.unit_of_measure AS same
         FROM billing_price price
        WHERE price.meter_id = meter.id AND price.effective_from = listed.effective_from
          AND price.price_type = listed.price_type
          AND price.reservation_term = listed.reservation_term
          AND price.tier_minimum_units = listed.tier_minimum_units
          AND price.currency = listed.currency
        ORDER BY price.run_id DESC, price.id DESC LIMIT 1) stated ON true
  LEFT JOIN LATERAL (
       SELECT price.id, price.unit_price, price.unit_of_measure
         FROM billing_price price
        WHERE price.meter_id = meter.id AND price.price_type = listed.price_type
          AND price.reservation_term = listed.reservation_term
          AND price.tier_minimum_units = listed.tier_minimum_units
          AND price.currency = listed.currency
          AND price.doubts = '[]'::jsonb
        ORDER BY price.effective_from <= listed.effective_from DESC,
                 abs(extract(epoch FROM price.effective_from - listed.effective_from)),
                 price.run_id DESC, price.id DESC LIMIT 1) former ON true
 WHERE stated.id IS NULL OR stated.held OR NOT stated.same
