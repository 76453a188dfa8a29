-- Marks the local days of usage that newer loads of the price list touch.
-- Grain: billing_daytorate one row a tenant and day.
-- Reads the prices written by loads after the one that was rated last.
INSERT INTO billing_daytorate (tenant_id, day)
SELECT DISTINCT %(tenant)s, (used.bucket_start AT TIME ZONE %(zone)s)::date
  FROM billing_usage used
  JOIN billing_metermapping mapped
    ON mapped.tenant_id = used.tenant_id AND mapped.deployment_id = used.deployment_id
  JOIN billing_price price
    ON price.meter_id = mapped.meter_id AND price.run_id > %(after)s
 WHERE used.tenant_id = %(tenant)s AND used.bucket_start >= price.effective_from
 ORDER BY 2
    ON CONFLICT (tenant_id, day) DO NOTHING
