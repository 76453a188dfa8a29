-- What is held of a gateway's usage, by bucket: calls, tokens, and those of them that are in no
-- class of their source.
-- Grain of the answer: bucket of time (60, 30 or 15 minutes). Further classes are those that the
-- source may bring and that are tokens: what a file brought is not compared.
SELECT bucket_start, sum(calls)::bigint, sum(tokens)::bigint, sum(unclassified)::bigint
  FROM (SELECT bucket_start, requests AS calls,
               input_tokens + cached_input_tokens + output_tokens + reasoning_tokens AS tokens,
               0 AS unclassified
          FROM billing_usage
         WHERE tenant_id = %(tenant)s AND gateway_id = %(gateway)s
           AND bucket_start >= %(start)s AND bucket_start < %(end)s
         UNION ALL
        SELECT bucket_start, 0, quantity,
               CASE WHEN token_class = 'unclassified' THEN quantity ELSE 0 END
          FROM billing_classusage
         WHERE tenant_id = %(tenant)s AND gateway_id = %(gateway)s
           AND bucket_start >= %(start)s AND bucket_start < %(end)s
           AND token_class = ANY(%(classes)s) AND token_class <> ALL(%(not_tokens)s)) held
 GROUP BY bucket_start
