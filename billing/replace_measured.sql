-- Makes the hours and classes that a file names what the file says, and marks the days that changed.
-- Grain: billing_classusage one row a tenant, bucket, series and class; what a file brings is of the
-- series of which nothing is told.
-- Reads measured_stage. A gateway's bucket × class that occurs there is replaced whole: what the
-- file does not have of it is deleted, also where it says zero. Rows that do not differ are not
-- written. Classes that the gateway's log brings never occur there.
WITH named AS (
    SELECT DISTINCT gateway_id, bucket_start, token_class FROM measured_stage
), staged AS (
    SELECT * FROM measured_stage WHERE quantity > 0
), written AS (
    INSERT INTO billing_classusage AS held
           (tenant_id, gateway_id, bucket_start, series_id, subscription_id, deployment_id,
            token_class, quantity)
    SELECT %(tenant)s, gateway_id, bucket_start, series_id, subscription_id, deployment_id,
           token_class, quantity
      FROM staged
     ORDER BY bucket_start, series_id, token_class
        ON CONFLICT (tenant_id, bucket_start, series_id, token_class)
        DO UPDATE SET quantity = excluded.quantity
     WHERE held.quantity IS DISTINCT FROM excluded.quantity
    RETURNING bucket_start, deployment_id
), removed AS (
    DELETE FROM billing_classusage held
     USING named
     WHERE held.tenant_id = %(tenant)s
       AND held.gateway_id = named.gateway_id
       AND held.bucket_start = named.bucket_start
       AND held.token_class = named.token_class
       AND NOT EXISTS (
           SELECT FROM staged
            WHERE staged.bucket_start = held.bucket_start
              AND staged.series_id = held.series_id
              AND staged.token_class = held.token_class)
    RETURNING held.bucket_start, held.deployment_id
), changed AS (
    SELECT bucket_start, deployment_id FROM written
     UNION ALL
    SELECT bucket_start, deployment_id FROM removed
), marked AS (
    INSERT INTO billing_daytorate (tenant_id, day, deployment_id)
    SELECT DISTINCT %(tenant)s, (bucket_start AT TIME ZONE %(zone)s)::date, deployment_id
      FROM changed
     ORDER BY 2, 3
        ON CONFLICT (tenant_id, day, deployment_id) DO NOTHING
)
SELECT count(*) FROM changed
