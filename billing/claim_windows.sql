-- Takes the lease of the windows of a gateway that are to be read next in a lane: the oldest that
-- is due, and those that follow it without a gap and are due with it.
-- Grain: billing_usagewindow one row an hour. A window is due when its time has come and nobody
-- holds its lease; a lease that ran out is nobody's. Rows that another worker is taking this very
-- moment are passed over. A window that was answered in part, or failed and not in passing, is
-- taken alone; after other failures, a slow answer among them, half as many are taken each time.
WITH free AS (
    SELECT id, start, "end", failures,
           state = 'partial' OR error_code = ANY(%(lasting)s) AS alone
      FROM billing_usagewindow
     WHERE tenant_id = %(tenant)s AND gateway_id = %(gateway)s
       AND start >= %(since)s AND start < %(until)s
       AND (due_at <= %(at)s OR %(anyway)s)
       AND (through IS NULL OR through < "end") = ANY(%(unread)s::boolean[])
       AND start > %(after)s
       AND (state <> 'quarantined' OR %(aside)s)
       AND (lease IS NULL OR leased_until < clock_timestamp() OR %(take_over)s)
     ORDER BY start
     LIMIT %(most)s
       FOR UPDATE SKIP LOCKED
), run AS (
    SELECT id,
           bool_and(coalesce(start = before, true)
                    AND (before IS NULL OR NOT (alone OR alone_before))
                    AND place <= greatest(1, %(most)s::int >> least(failures, 20)))
               OVER (ORDER BY start) AS whole
      FROM (SELECT *, row_number() OVER (ORDER BY start) AS place,
                   lag("end") OVER (ORDER BY start) AS before,
                   lag(alone) OVER (ORDER BY start) AS alone_before
              FROM free) lined
)
UPDATE billing_usagewindow held
   SET state = 'loading', lease = %(lease)s,
       leased_until = clock_timestamp() + make_interval(secs => %(seconds)s)
  FROM run
 WHERE held.tenant_id = %(tenant)s AND held.id = run.id AND run.whole
RETURNING held.id, held.start, held."end"
