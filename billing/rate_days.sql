-- Rates the staged local days of deployments: cost of each price in force, rolled up by day.
-- Grain: day, series, token class, list price, sheet lines, exchange rate.
-- Reads day_stage (what to rate), day_rates (what the deployments' classes cost over time) and
-- usage. Usage is summed by day and by the spans between all changes of its deployment's prices,
-- all classes of a row at once, since a price or a rate may change within the day; then each
-- class takes the price of its span, and the one product per group is exact; the quantity's
-- places keep a division (seconds priced by the hour) exact beyond what is stored.
-- No mapping, no price or no exchange rate gives a null cost: unpriced, never zero. A mapping
-- without a meter costs nothing by use: the deployment's capacity is paid for.
WITH edges AS (
    SELECT deployment_id, starts AS at FROM day_rates
     UNION
    SELECT deployment_id, ends FROM day_rates
), spans AS (
    SELECT deployment_id, at AS starts,
           coalesce(lead(at) OVER (PARTITION BY deployment_id ORDER BY at), 'infinity') AS ends
      FROM edges
), wide AS (
    -- Before a deployment's first span, and without any, its usage has no start to go by.
    SELECT day_stage.day, used.series_id, used.subscription_id, used.deployment_id,
           spans.starts AS since,
           sum(used.input_tokens) AS input_tokens,
           sum(used.cached_input_tokens) AS cached_input_tokens,
           sum(used.output_tokens) AS output_tokens,
           sum(used.reasoning_tokens) AS reasoning_tokens
      FROM billing_usage used
      JOIN day_stage
        ON day_stage.deployment_id = used.deployment_id
       AND day_stage.day = (used.bucket_start AT TIME ZONE %(zone)s)::date
      LEFT JOIN spans
             ON spans.deployment_id = used.deployment_id
            AND spans.starts <= used.bucket_start
            AND used.bucket_start < spans.ends
     WHERE used.tenant_id = %(tenant)s
       AND used.bucket_start >= %(start)s
       AND used.bucket_start < %(end)s
       AND used.deployment_id = ANY(%(deployments)s)
     GROUP BY 1, 2, 3, 4, 5
), summed AS (
    SELECT wide.day, wide.series_id, wide.subscription_id, wide.deployment_id, wide.since,
           classed.token_class, classed.quantity
      FROM wide
     CROSS JOIN LATERAL (VALUES ('input', wide.input_tokens),
                                ('cached_input', wide.cached_input_tokens),
                                ('output', wide.output_tokens),
                                ('reasoning', wide.reasoning_tokens)
                        ) classed (token_class, quantity)
     WHERE classed.quantity > 0
     UNION ALL
    SELECT day_stage.day, used.series_id, used.subscription_id, used.deployment_id, spans.starts,
           used.token_class, sum(used.quantity)
      FROM billing_classusage used
      JOIN day_stage
        ON day_stage.deployment_id = used.deployment_id
       AND day_stage.day = (used.bucket_start AT TIME ZONE %(zone)s)::date
      LEFT JOIN spans
             ON spans.deployment_id = used.deployment_id
            AND spans.starts <= used.bucket_start
            AND used.bucket_start < spans.ends
     WHERE used.tenant_id = %(tenant)s
       AND used.bucket_start >= %(start)s
       AND used.bucket_start < %(end)s
       AND used.deployment_id = ANY(%(deployments)s)
     GROUP BY 1, 2, 3, 4, 5, 6
), rated AS (
    -- Spans that differ in nothing that was charged by are one row.
    SELECT summed.day, summed.series_id, summed.subscription_id, summed.deployment_id,
           summed.token_class,
           rates.price_id, rates.sheet_line_id, rates.markup_line_id, rates.exchange_rate_id,
           rates.unit_price, coalesce(rates.currency, '') AS price_currency,
           coalesce(rates.units_per_price, 1) AS units_per_price,
           rates.list_unit_price, rates.rate, coalesce(rates.covered, false) AS covered,
           sum(summed.quantity) AS quantity
      FROM summed
      LEFT JOIN day_rates rates
             ON rates.deployment_id = summed.deployment_id
            AND rates.token_class = summed.token_class
            AND rates.starts <= summed.since
            AND summed.since < rates.ends
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
)
SELECT %(tenant)s::bigint AS tenant_id, day, series_id, subscription_id, deployment_id, token_class,
       price_id,
       sheet_line_id, markup_line_id, exchange_rate_id, unit_price, price_currency,
       units_per_price, quantity,
       quantity::numeric(38, 18) * list_unit_price / units_per_price AS list_cost,
       CASE WHEN covered THEN 0
            ELSE quantity::numeric(38, 18) * unit_price * rate / units_per_price
            END AS cost
  FROM rated
 ORDER BY day, series_id, token_class
