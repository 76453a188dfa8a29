-- Records the reading of leased windows: control totals in and out, what changed, when to read
-- again. Reads tallies given as arrays, one element a window.
-- Grain: billing_usagewindow one row an hour. Returns nothing for a window whose lease is not held
-- any more. An hour that would never be read again, and was marked as due for later than this
-- reading while it lasted, stays due: what came then may not have been seen.
UPDATE billing_usagewindow held
   SET state = 'complete', source = %(source)s, lease = NULL, leased_until = NULL,
       read_at = %(at)s,
       due_at = coalesce(told.due_at, CASE WHEN held.due_at > %(at)s THEN held.due_at END),
       through = least(held."end", %(at)s),
       reads = held.reads + 1, failures = 0, error_code = '', error = '',
       late_rows = held.late_rows
           + CASE WHEN held.through >= held."end" THEN told.rows_changed ELSE 0 END,
       rows_read = told.rows_read, rows_changed = told.rows_changed,
       calls_read = told.calls_read, calls_stored = told.calls_stored,
       tokens_read = told.tokens_read, tokens_stored = told.tokens_stored
  FROM unnest(%(ids)s::bigint[], %(due)s::timestamptz[], %(rows_read)s::bigint[],
              %(rows_changed)s::bigint[], %(calls_read)s::bigint[], %(calls_stored)s::bigint[],
              %(tokens_read)s::bigint[], %(tokens_stored)s::bigint[])
       AS told (id, due_at, rows_read, rows_changed, calls_read, calls_stored, tokens_read,
                tokens_stored)
 WHERE held.tenant_id = %(tenant)s AND held.id = told.id AND held.lease = %(lease)s
