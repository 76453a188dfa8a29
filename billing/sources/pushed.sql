-- Pushed events of a span, summed: what `seam.Hour` holds, a row each.
-- Grain: bucket of time, subscription, host, deployment and the values of all dimensions.
-- Reads billing_pushedevent by its index on the call's time. Sums of classes and dimensions are
-- named by the module; dimensions are told apart as one value, which is as good and cheaper. A call
-- is in the histogram of latencies if it tells how long it took, in that of prompts if it tells
-- tokens; a bin holds values up to and including its bound.
SELECT bucket_start, subscription, host, deployment, {dimensions}, {sums},
       count(*), count(*) FILTER (WHERE succeeded), count(*) FILTER (WHERE status = 429),
       count(*) FILTER (WHERE status IN (401, 403)),
       count(*) FILTER (
           WHERE NOT succeeded AND status < 500 AND status NOT IN (401, 403, 429)),
       count(*) FILTER (WHERE status >= 500), count(*) FILTER (WHERE cache_hit),
       count(*) FILTER (WHERE succeeded AND NOT cache_hit AND quantities = '{{}}'),
       sum(retries)::bigint, sum(agent_steps)::bigint, sum(tool_calls)::bigint,
       {latency},
       {prompts}
  FROM (SELECT date_bin(%(bucket)s, at, 'epoch') AS bucket_start, subscription, host, deployment,
               dimensions, quantities, status, cache_hit, retries, agent_steps, tool_calls,
               status BETWEEN 200 AND 399 AS succeeded,
               width_bucket(milliseconds::bigint - 1, %(latency)s::bigint[]) AS latency_bin,
               CASE WHEN quantities - %(not_tokens)s::text[] <> '{{}}'
                    THEN width_bucket(prompt_tokens - 1, %(prompts)s::bigint[]) END AS prompts_bin
          FROM billing_pushedevent
         WHERE tenant_id = %(tenant)s AND gateway_id = %(gateway)s
           AND at >= %(start)s AND at < %(end)s) event
 GROUP BY bucket_start, subscription, host, deployment, dimensions
 ORDER BY bucket_start, subscription, host, deployment, dimensions
