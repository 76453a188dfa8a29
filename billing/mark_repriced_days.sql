-- Marks the local days of usage that newer loads of the price list touch.
-- Grain: billing_daytorate one row a tenant, day and deployment.
-- Reads the prices written by loads after the one that was rated last. A price touches usage from
-- its start to the start of the next later one of its meter, which another row says.
INSERT INTO billing_daytorate (tenant_id, day, deployment_id)
SELECT DISTINCT %(tenant)s, (bucket_start AT TIME ZONE %(zone)s)::date, deployment_id
  FROM (SELECT used.deployment_id, used.bucket_start
          FROM (SELECT deployment_id, min(price.effective_from) AS since
                  FROM billing_metermapping mapped
                  JOIN billing_price price
                    ON price.meter_id = mapped.meter_id
                   AND price.run_id > %(after)s
                   AND price.currency = %(list_currency)s
                 WHERE mapped.tenant_id = %(tenant)s
                 GROUP BY deployment_id) touched
          JOIN (SELECT tenant_id, deployment_id, bucket_start FROM billing_usage
                 UNION ALL
                SELECT tenant_id, deployment_id, bucket_start FROM billing_classusage) used
            ON used.tenant_id = %(tenant)s
           AND used.deployment_id = touched.deployment_id
           AND used.bucket_start >= touched.since
         GROUP BY 1, 2) buckets
 ORDER BY 2, 3
    ON CONFLICT (tenant_id, day, deployment_id) DO NOTHING
