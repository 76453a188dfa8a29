-- Rates the staged local days of deployments: cost of each price in force, rolled up by day.
-- Grain: day, subscription, deployment, token class, list price, sheet lines, exchange rate.
-- Reads day_stage (what to rate), price_terms (what meters cost over time), usage, mappings and
-- exchange rates; each is in force from its start to the next one's start. What a deployment's
-- class costs over time is found first; usage joins it at the bucket, before anything is summed,
-- since a price or a rate may change within the day; the one product per group is exact.
-- No mapping, no price or no exchange rate gives a null cost: unpriced, never zero. A mapping
-- without a meter costs nothing by use: the deployment's capacity is paid for.
WITH mapped AS (
    SELECT deployment_id, token_class, meter_id, units_per_price, effective_from AS starts,
           lead(effective_from) OVER (
               PARTITION BY deployment_id, token_class ORDER BY effective_from
           ) AS ends
      FROM billing_metermapping
     WHERE tenant_id = %(tenant)s
       AND deployment_id IN (SELECT deployment_id FROM day_stage)
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
), rates AS MATERIALIZED (
    SELECT row_number() OVER () AS id,
           mapped.deployment_id, mapped.token_class, mapped.units_per_price,
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
), counted AS (
    SELECT used.bucket_start, used.subscription_id, used.deployment_id,
           classed.token_class, classed.quantity
      FROM billing_usage used
     CROSS JOIN LATERAL (VALUES ('input', used.input_tokens),
                                ('cached_input', used.cached_input_tokens),
                                ('output', used.output_tokens)) classed (token_class, quantity)
     WHERE used.tenant_id = %(tenant)s
       AND used.bucket_start >= %(start)s
       AND used.bucket_start < %(end)s
       AND classed.quantity > 0
     UNION ALL
    SELECT bucket_start, subscription_id, deployment_id, token_class, quantity
      FROM billing_classusage
     WHERE tenant_id = %(tenant)s AND bucket_start >= %(start)s AND bucket_start < %(end)s
), summed AS (
    SELECT day_stage.day, used.subscription_id, used.deployment_id, used.token_class,
           rates.id AS rate_id, sum(used.quantity) AS quantity
      FROM counted used
      JOIN day_stage
        ON day_stage.deployment_id = used.deployment_id
       AND day_stage.day = (used.bucket_start AT TIME ZONE %(zone)s)::date
      LEFT JOIN rates
             ON rates.deployment_id = used.deployment_id
            AND rates.token_class = used.token_class
            AND rates.starts <= used.bucket_start
            AND used.bucket_start < rates.ends
     GROUP BY 1, 2, 3, 4, 5
), rated AS (
    -- Spans that differ in nothing that was charged by are one row.
    SELECT summed.day, summed.subscription_id, summed.deployment_id, summed.token_class,
           rates.price_id, rates.sheet_line_id, rates.markup_line_id, rates.exchange_rate_id,
           rates.unit_price, coalesce(rates.currency, '') AS price_currency,
           coalesce(rates.units_per_price, 1) AS units_per_price,
           rates.list_unit_price, rates.rate, coalesce(rates.covered, false) AS covered,
           sum(summed.quantity) AS quantity
      FROM summed
      LEFT JOIN rates ON rates.id = summed.rate_id
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
)
SELECT %(tenant)s::bigint AS tenant_id, day, subscription_id, deployment_id, token_class, price_id,
       sheet_line_id, markup_line_id, exchange_rate_id, unit_price, price_currency,
       units_per_price, quantity,
       quantity * list_unit_price / units_per_price AS list_cost,
       CASE WHEN covered THEN 0
            ELSE quantity * unit_price * rate / units_per_price
            END AS cost
  FROM rated
 ORDER BY day, subscription_id, deployment_id, token_class
