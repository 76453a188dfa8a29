-- What the pushed events of a span come to: calls, and tokens of all classes.
-- Grain: one row. Reads every event by itself, not what is summed by the hour.
SELECT count(*), coalesce(sum(tokens), 0)::bigint
  FROM billing_pushedevent
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(quantity::bigint), 0) AS tokens
         FROM jsonb_each_text(quantities) AS told (token_class, quantity)
        WHERE token_class <> ALL(%(not_tokens)s)) counted
 WHERE tenant_id = %(tenant)s AND gateway_id = %(gateway)s AND at >= %(start)s AND at < %(end)s
