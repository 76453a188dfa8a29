-- What meters cost over time, for one tenant: the list price in force, and what its sheets make of
-- it. Grain: meter × span in which nothing about its price changes; spans are half-open.
-- Reads billing_price (the newest stated price that is believed, by effective date), the tenant's
-- decisions on suspect ones, and `agreed` of sheet_matches.sql. Precedence: a meter's exact price,
-- else the discount whose filter is the most specific, else the list; then the most specific markup
-- on top. A negotiated unit price is rounded once, to 15 places.
-- What holds in a span is found by joins on the meter: looked up span by span, long sheets would
-- be read whole for each.
believed AS (
    SELECT DISTINCT ON (price.meter_id, price.effective_from)
           price.id, price.meter_id, price.effective_from, price.currency, price.unit_price
      FROM billing_price price
      LEFT JOIN billing_pricedecision decided
             ON decided.tenant_id = %(tenant)s AND decided.price_id = price.id
     WHERE price.meter_id = ANY(%(meters)s)
       AND price.price_type = 'Consumption'
       AND price.tier_minimum_units = 0
       AND price.currency = %(list_currency)s
       AND coalesce(decided.verdict = 'accepted', price.doubts = '[]'::jsonb)
     ORDER BY price.meter_id, price.effective_from, price.run_id DESC, price.id DESC
), edges AS (
    SELECT meter_id, effective_from AS at FROM believed
     UNION
    SELECT meter_id, effective_from FROM agreed
     UNION
    SELECT meter_id, effective_until FROM agreed WHERE effective_until IS NOT NULL
), spans AS MATERIALIZED (
    SELECT meter_id, at AS starts,
           lead(at) OVER (PARTITION BY meter_id ORDER BY at) AS ends
      FROM edges
), listed AS (
    SELECT DISTINCT ON (spans.meter_id, spans.starts)
           spans.meter_id, spans.starts, believed.id, believed.currency, believed.unit_price
      FROM spans
      JOIN believed
        ON believed.meter_id = spans.meter_id AND believed.effective_from <= spans.starts
     ORDER BY spans.meter_id, spans.starts, believed.effective_from DESC
), chosen AS (
    SELECT DISTINCT ON (spans.meter_id, spans.starts, agreed.kind = 'markup')
           spans.meter_id, spans.starts, agreed.kind = 'markup' AS on_top, agreed.id, agreed.kind,
           agreed.currency, agreed.unit_price, agreed.percent
      FROM spans
      JOIN agreed
        ON agreed.meter_id = spans.meter_id AND agreed.effective_from <= spans.starts
       AND (agreed.effective_until IS NULL OR spans.starts < agreed.effective_until)
     ORDER BY spans.meter_id, spans.starts, agreed.kind = 'markup', agreed.place
)
SELECT spans.meter_id, spans.starts, spans.ends,
       listed.id AS price_id, listed.unit_price AS list_unit_price,
       own.id AS sheet_line_id, markup.id AS markup_line_id,
       CASE WHEN own.kind = 'exact' THEN own.currency ELSE listed.currency END AS currency,
       round(CASE own.kind
             WHEN 'exact' THEN own.unit_price
             WHEN 'discount' THEN listed.unit_price * (100 - own.percent) * 0.01
             ELSE listed.unit_price
             END * (100 + coalesce(markup.percent, 0)) * 0.01, 15) AS unit_price
  FROM spans
  LEFT JOIN listed USING (meter_id, starts)
  LEFT JOIN chosen own
    ON own.meter_id = spans.meter_id AND own.starts = spans.starts AND NOT own.on_top
  LEFT JOIN chosen markup
    ON markup.meter_id = spans.meter_id AND markup.starts = spans.starts AND markup.on_top
