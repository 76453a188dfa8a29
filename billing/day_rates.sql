-- What the staged deployments' classes cost over time: which price, at which exchange rate.
-- Grain: deployment × token class × span in which nothing about it changes; spans are half-open.
-- Reads day_stage (whose deployments), price_terms (what meters cost over time), mappings and
-- exchange rates; each is in force from its start to the next one's start. Where a mapping has no
-- price, or a price no exchange rate, the span is there without it.
WITH mapped AS (
    SELECT deployment_id, token_class, meter_id, units_per_price, effective_from AS starts,
           lead(effective_from) OVER (
               PARTITION BY deployment_id, token_class ORDER BY effective_from
           ) AS ends
      FROM billing_metermapping
     WHERE tenant_id = %(tenant)s
       AND deployment_id = ANY(%(deployments)s)
), exchanged AS (
    SELECT id, currency, rate, starts,
           lead(starts) OVER (PARTITION BY currency ORDER BY starts) AS ends
      FROM (SELECT id, from_currency AS currency, rate, effective_from AS starts
              FROM billing_exchangerate
             WHERE tenant_id = %(tenant)s AND to_currency = %(currency)s
             UNION ALL
            -- Before the first rate there is none; the billing currency needs none.
            SELECT DISTINCT NULL::bigint, currency,
                   CASE WHEN currency = %(currency)s THEN 1::numeric END,
                   '-infinity'::timestamptz
              FROM price_terms
             WHERE currency IS NOT NULL) dated
)
SELECT mapped.deployment_id, mapped.token_class, mapped.units_per_price,
       mapped.meter_id IS NULL AS covered,
       greatest(mapped.starts, terms.starts, exchanged.starts) AS starts,
       coalesce(least(mapped.ends, terms.ends, exchanged.ends), 'infinity') AS ends,
       terms.price_id, terms.list_unit_price, terms.sheet_line_id, terms.markup_line_id,
       terms.unit_price, terms.currency, exchanged.id AS exchange_rate_id, exchanged.rate
  FROM mapped
  LEFT JOIN price_terms terms
         ON terms.meter_id = mapped.meter_id
        AND (mapped.ends IS NULL OR terms.starts < mapped.ends)
        AND (terms.ends IS NULL OR mapped.starts < terms.ends)
  LEFT JOIN exchanged
         ON exchanged.currency = terms.currency
        AND (exchanged.ends IS NULL
             OR greatest(mapped.starts, terms.starts) < exchanged.ends)
        AND exchanged.starts
            < coalesce(least(mapped.ends, terms.ends), 'infinity'::timestamptz)
