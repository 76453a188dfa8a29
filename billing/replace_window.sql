-- Makes a span of one gateway's usage what is staged, and marks the days that changed.
-- Grain: billing_usage one row a tenant, bucket and series; billing_classusage one for each class
-- without a column that occurs in it.
-- Reads usage_stage (one row a bucket and series; null is 0) and class_stage (one a bucket, series and class).
-- The span as it stands is compared with the stage as a whole: rows that do not differ are not
-- touched, rows that are gone are deleted. Of the further classes only those that the source brings
-- are compared; the others come from elsewhere and stay.
-- The lists of columns are those of `billing.stored`.
WITH differing AS (
    SELECT staged.bucket_start, staged.series_id, {staged},
           held.series_id IS NULL AS is_new, staged.series_id IS NULL AS is_gone,
           held.bucket_start AS held_start, held.series_id AS held_series,
           held.deployment_id AS held_deployment,
           staged.subscription_id, staged.deployment_id
      FROM (SELECT bucket_start, series_id, subscription_id, deployment_id, {told}, {bins}
              FROM usage_stage) staged
      FULL JOIN (SELECT * FROM billing_usage
                  WHERE tenant_id = %(tenant)s AND gateway_id = %(gateway)s
                    AND bucket_start >= %(start)s AND bucket_start < %(end)s) held
        ON held.bucket_start = staged.bucket_start AND held.series_id = staged.series_id
     WHERE held.series_id IS NULL OR staged.series_id IS NULL
        OR ({held}) IS DISTINCT FROM ({staged})
), added AS (
    INSERT INTO billing_usage
           (tenant_id, gateway_id, bucket_start, series_id, subscription_id, deployment_id,
            {columns})
    SELECT %(tenant)s, %(gateway)s, bucket_start, series_id, subscription_id, deployment_id,
           {columns}
      FROM differing
     WHERE is_new
     ORDER BY bucket_start, series_id
), written AS (
    UPDATE billing_usage held
       SET ({columns}) = ROW ({differing})
      FROM differing
     WHERE NOT differing.is_new AND NOT differing.is_gone
       AND held.tenant_id = %(tenant)s
       AND held.bucket_start >= %(start)s AND held.bucket_start < %(end)s
       AND held.bucket_start = differing.bucket_start AND held.series_id = differing.series_id
), removed AS (
    DELETE FROM billing_usage held
     USING differing
     WHERE differing.is_gone
       AND held.tenant_id = %(tenant)s
       AND held.bucket_start >= %(start)s AND held.bucket_start < %(end)s
       AND held.bucket_start = differing.held_start AND held.series_id = differing.held_series
), classes AS (
    SELECT staged.bucket_start, staged.series_id, staged.token_class, staged.quantity,
           staged.subscription_id, staged.deployment_id,
           held.id AS held_id, held.bucket_start AS held_start,
           held.deployment_id AS held_deployment
      FROM class_stage staged
      FULL JOIN (SELECT * FROM billing_classusage
                  WHERE tenant_id = %(tenant)s AND gateway_id = %(gateway)s
                    AND bucket_start >= %(start)s AND bucket_start < %(end)s
                    AND token_class = ANY(%(classes)s)) held
        ON held.bucket_start = staged.bucket_start AND held.series_id = staged.series_id
       AND held.token_class = staged.token_class
     WHERE held.quantity IS DISTINCT FROM staged.quantity
), classes_added AS (
    INSERT INTO billing_classusage
           (tenant_id, gateway_id, bucket_start, series_id, subscription_id, deployment_id,
            token_class, quantity)
    SELECT %(tenant)s, %(gateway)s, bucket_start, series_id, subscription_id, deployment_id,
           token_class, quantity
      FROM classes
     WHERE held_id IS NULL
     ORDER BY bucket_start, series_id, token_class
), classes_written AS (
    UPDATE billing_classusage held
       SET quantity = classes.quantity
      FROM classes
     WHERE held.tenant_id = %(tenant)s AND held.id = classes.held_id
       AND classes.series_id IS NOT NULL
), classes_removed AS (
    DELETE FROM billing_classusage held
     USING classes
     WHERE held.tenant_id = %(tenant)s AND held.id = classes.held_id
       AND classes.series_id IS NULL
), changed AS (
    SELECT coalesce(bucket_start, held_start) AS bucket_start,
           coalesce(deployment_id, held_deployment) AS deployment_id
      FROM differing
     UNION ALL
    SELECT coalesce(bucket_start, held_start), coalesce(deployment_id, held_deployment)
      FROM classes
), marked AS (
    INSERT INTO billing_daytorate (tenant_id, day, deployment_id)
    SELECT DISTINCT %(tenant)s::bigint, (bucket_start AT TIME ZONE %(zone)s)::date, deployment_id
      FROM changed
     WHERE bucket_start >= %(kept_since)s
     ORDER BY 2, 3
        ON CONFLICT (tenant_id, day, deployment_id) DO NOTHING
)
SELECT date_bin('1 hour', bucket_start, 'epoch') AS start, count(*)
  FROM changed
 GROUP BY 1
