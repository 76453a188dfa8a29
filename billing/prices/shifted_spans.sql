-- Where deployments' classes are priced otherwise than they were.
-- Grain: deployment × token class × span. Reads the spans in which meters' prices differ; a meter
-- prices the usage of a deployment from its mapping's start to the start of the next one of the
-- same class. Spans are half-open; no end: to this day.
WITH mapped AS (
    SELECT deployment_id, token_class, meter_id, effective_from AS starts,
           lead(effective_from) OVER (
               PARTITION BY deployment_id, token_class ORDER BY effective_from
           ) AS ends
      FROM billing_metermapping
     WHERE tenant_id = %(tenant)s
)
SELECT mapped.deployment_id, mapped.token_class,
       greatest(mapped.starts, shifted.since) AS since,
       least(mapped.ends, shifted.until) AS until
  FROM mapped
  JOIN unnest(%(meters)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[])
       AS shifted (meter_id, since, until)
    ON shifted.meter_id = mapped.meter_id
   AND (mapped.ends IS NULL OR shifted.since < mapped.ends)
   AND (shifted.until IS NULL OR mapped.starts < shifted.until)
