-- Rates the given local days: cost of each price that was in force, rolled up by day.
-- Grain: day, subscription, deployment, token class, price, exchange rate.
-- Reads billing_usage, mappings, prices and exchange rates; each is in force from its start to the
-- next one's start. The price joins at the bucket, before anything is summed, since a price or a
-- rate may change within the day; the one product per group is exact.
-- No mapping, no price or no exchange rate gives a null cost: unpriced, never zero.
WITH mapped AS (
    SELECT deployment_id, token_class, meter_id, effective_from,
           lead(effective_from) OVER (
               PARTITION BY deployment_id, token_class ORDER BY effective_from
           ) AS effective_until
      FROM billing_metermapping
     WHERE tenant_id = %(tenant)s
), priced AS (
    SELECT id, meter_id, currency, unit_price, effective_from,
           lead(effective_from) OVER (
               PARTITION BY meter_id ORDER BY effective_from
           ) AS effective_until
      FROM billing_price
     WHERE meter_id IN (SELECT meter_id FROM mapped)
), exchanged AS (
    SELECT id, from_currency, rate, effective_from,
           lead(effective_from) OVER (
               PARTITION BY from_currency ORDER BY effective_from
           ) AS effective_until
      FROM billing_exchangerate
     WHERE tenant_id = %(tenant)s AND to_currency = %(currency)s
), rated AS (
    SELECT (used.bucket_start AT TIME ZONE %(zone)s)::date AS day,
           used.subscription_id, used.deployment_id, classed.token_class,
           priced.id AS price_id, priced.unit_price, exchanged.id AS exchange_rate_id,
           CASE WHEN priced.currency = %(currency)s THEN 1 ELSE exchanged.rate END AS rate,
           sum(classed.quantity) AS quantity
      FROM billing_usage used
     CROSS JOIN LATERAL (VALUES ('input', used.input_tokens),
                                ('cached_input', used.cached_input_tokens),
                                ('output', used.output_tokens)) classed (token_class, quantity)
      LEFT JOIN mapped
             ON mapped.deployment_id = used.deployment_id
            AND mapped.token_class = classed.token_class
            AND mapped.effective_from <= used.bucket_start
            AND (mapped.effective_until IS NULL OR used.bucket_start < mapped.effective_until)
      LEFT JOIN priced
             ON priced.meter_id = mapped.meter_id
            AND priced.effective_from <= used.bucket_start
            AND (priced.effective_until IS NULL OR used.bucket_start < priced.effective_until)
      LEFT JOIN exchanged
             ON exchanged.from_currency = priced.currency
            AND priced.currency <> %(currency)s
            AND exchanged.effective_from <= used.bucket_start
            AND (exchanged.effective_until IS NULL
                 OR used.bucket_start < exchanged.effective_until)
     WHERE used.tenant_id = %(tenant)s
       AND used.bucket_start >= %(start)s
       AND used.bucket_start < %(end)s
       AND (used.bucket_start AT TIME ZONE %(zone)s)::date = ANY(%(days)s::date[])
       AND classed.quantity > 0
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
)
INSERT INTO billing_ratedday
       (tenant_id, day, subscription_id, deployment_id, token_class, price_id,
        exchange_rate_id, quantity, list_cost, cost)
SELECT %(tenant)s, day, subscription_id, deployment_id, token_class, price_id,
       exchange_rate_id, quantity, quantity * unit_price, quantity * unit_price * rate
  FROM rated
 ORDER BY day, subscription_id, deployment_id, token_class
