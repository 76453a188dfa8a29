-- Lays out the hours of a gateway's usage up to an instant, each once.
-- Grain: billing_usagewindow one row a tenant, gateway and UTC hour; the first may begin within
-- its hour, where the tenant's usage begins. What is laid out already stays as it is, unless usage
-- is to begin at another instant now: hours that were never read are then laid out anew.
WITH kept AS (
    SELECT min(start) AS first, max(start) AS last
      FROM billing_usagewindow
     WHERE tenant_id = %(tenant)s AND gateway_id = %(gateway)s
       AND (reads > 0 OR start = greatest(date_bin('1 hour', start, 'epoch'), %(since)s))
), gone AS (
    DELETE FROM billing_usagewindow
     WHERE tenant_id = %(tenant)s AND gateway_id = %(gateway)s AND reads = 0 AND lease IS NULL
       AND start <> greatest(date_bin('1 hour', start, 'epoch'), %(since)s)
)
INSERT INTO billing_usagewindow
       (tenant_id, gateway_id, start, "end", state, source, due_at, reads, failures, rows_read,
        rows_changed, late_rows, calls_read, calls_stored, tokens_read, tokens_stored, error_code,
        error)
SELECT %(tenant)s, %(gateway)s, greatest(hour, %(since)s), hour + interval '1 hour', 'pending', '',
       greatest(hour, %(since)s), 0, 0, 0, 0, 0, 0, 0, 0, 0, '', ''
  FROM kept,
       generate_series(
           date_bin('1 hour', CASE WHEN kept.first <= %(since)s THEN kept.last ELSE %(since)s END,
                    'epoch'),
           %(at)s::timestamptz - interval '1 microsecond',
           interval '1 hour') hour
    ON CONFLICT (tenant_id, gateway_id, start) DO NOTHING
