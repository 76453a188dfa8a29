-- Makes a window of one gateway's usage what is staged, and marks the days that changed.
-- Grain: billing_usage one row a tenant, bucket, subscription and deployment; billing_classusage
-- one for each of the two long classes that occurs in it. The other classes there come from
-- elsewhere and stay. Reads usage_stage. Rows that do not differ are not written; rows that are gone are deleted.
-- The staged rows are summed first: two spellings of one name are one subscription.
WITH staged AS (
    SELECT bucket_start, subscription_id, deployment_id,
           sum(input_tokens)::bigint AS input_tokens,
           sum(output_tokens)::bigint AS output_tokens,
           sum(requests)::bigint AS requests,
           sum(successful_requests)::bigint AS successful_requests,
           sum(throttled_requests)::bigint AS throttled_requests,
           sum(refused_requests)::bigint AS refused_requests,
           sum(cache_hits)::bigint AS cache_hits,
           sum(uncovered_requests)::bigint AS uncovered_requests,
           sum(long_input_tokens)::bigint AS long_input_tokens,
           sum(long_output_tokens)::bigint AS long_output_tokens
      FROM usage_stage
     GROUP BY bucket_start, subscription_id, deployment_id
), written AS (
    INSERT INTO billing_usage AS held
           (tenant_id, gateway_id, bucket_start, subscription_id, deployment_id,
            input_tokens, output_tokens, requests, successful_requests, throttled_requests,
            refused_requests, cache_hits, uncovered_requests)
    SELECT %(tenant)s, %(gateway)s, bucket_start, subscription_id, deployment_id,
           input_tokens, output_tokens, requests, successful_requests, throttled_requests,
           refused_requests, cache_hits, uncovered_requests
      FROM staged
     ORDER BY bucket_start, subscription_id, deployment_id
        ON CONFLICT (tenant_id, bucket_start, subscription_id, deployment_id) DO UPDATE
       SET input_tokens = excluded.input_tokens,
           output_tokens = excluded.output_tokens,
           requests = excluded.requests,
           successful_requests = excluded.successful_requests,
           throttled_requests = excluded.throttled_requests,
           refused_requests = excluded.refused_requests,
           cache_hits = excluded.cache_hits,
           uncovered_requests = excluded.uncovered_requests
     WHERE (held.input_tokens, held.output_tokens, held.requests, held.successful_requests,
            held.throttled_requests, held.refused_requests, held.cache_hits,
            held.uncovered_requests)
           IS DISTINCT FROM
           (excluded.input_tokens, excluded.output_tokens, excluded.requests,
            excluded.successful_requests, excluded.throttled_requests,
            excluded.refused_requests, excluded.cache_hits, excluded.uncovered_requests)
    RETURNING bucket_start, deployment_id
), removed AS (
    DELETE FROM billing_usage held
     WHERE held.tenant_id = %(tenant)s
       AND held.gateway_id = %(gateway)s
       AND held.bucket_start >= %(start)s
       AND held.bucket_start < %(end)s
       AND NOT EXISTS (
           SELECT FROM staged
            WHERE staged.bucket_start = held.bucket_start
              AND staged.subscription_id = held.subscription_id
              AND staged.deployment_id = held.deployment_id)
    RETURNING bucket_start, deployment_id
), long_calls AS (
    SELECT bucket_start, subscription_id, deployment_id, classed.token_class, classed.quantity
      FROM staged
     CROSS JOIN LATERAL (VALUES ('long_input', long_input_tokens),
                                ('long_output', long_output_tokens)
                        ) classed (token_class, quantity)
     WHERE classed.quantity > 0
), long_written AS (
    INSERT INTO billing_classusage AS held
           (tenant_id, gateway_id, bucket_start, subscription_id, deployment_id, token_class,
            quantity)
    SELECT %(tenant)s, %(gateway)s, bucket_start, subscription_id, deployment_id, token_class,
           quantity
      FROM long_calls
     ORDER BY bucket_start, subscription_id, deployment_id, token_class
        ON CONFLICT (tenant_id, bucket_start, subscription_id, deployment_id, token_class)
        DO UPDATE SET quantity = excluded.quantity
     WHERE held.quantity IS DISTINCT FROM excluded.quantity
    RETURNING bucket_start, deployment_id
), long_removed AS (
    DELETE FROM billing_classusage held
     WHERE held.tenant_id = %(tenant)s
       AND held.gateway_id = %(gateway)s
       AND held.bucket_start >= %(start)s
       AND held.bucket_start < %(end)s
       AND held.token_class IN ('long_input', 'long_output')
       AND NOT EXISTS (
           SELECT FROM long_calls
            WHERE long_calls.bucket_start = held.bucket_start
              AND long_calls.subscription_id = held.subscription_id
              AND long_calls.deployment_id = held.deployment_id
              AND long_calls.token_class = held.token_class)
    RETURNING bucket_start, deployment_id
), changed AS (
    SELECT bucket_start, deployment_id FROM written
     UNION ALL
    SELECT bucket_start, deployment_id FROM removed
     UNION ALL
    SELECT bucket_start, deployment_id FROM long_written
     UNION ALL
    SELECT bucket_start, deployment_id FROM long_removed
), marked AS (
    INSERT INTO billing_daytorate (tenant_id, day, deployment_id)
    SELECT DISTINCT %(tenant)s, (bucket_start AT TIME ZONE %(zone)s)::date, deployment_id
      FROM changed
     ORDER BY 2, 3
        ON CONFLICT (tenant_id, day, deployment_id) DO NOTHING
)
SELECT count(*) FROM changed
