-- Lays out the hours of a gateway's usage up to an instant, each once.
-- Grain: billing_usagewindow one row a tenant, gateway and UTC hour; the first may begin within
-- its hour, where the tenant's usage begins. What is laid out already stays as it is.
INSERT INTO billing_usagewindow
       (tenant_id, gateway_id, start, "end", state, source, due_at, reads, failures, rows_read,
        rows_changed, late_rows, calls_read, calls_stored, tokens_read, tokens_stored, error_code,
        error)
SELECT %(tenant)s, %(gateway)s, greatest(hour, %(since)s), hour + interval '1 hour', 'pending', '',
       greatest(hour, %(since)s), 0, 0, 0, 0, 0, 0, 0, 0, 0, '', ''
  FROM generate_series(
           date_bin('1 hour', greatest(%(since)s, coalesce(
               (SELECT max(start) FROM billing_usagewindow
                 WHERE tenant_id = %(tenant)s AND gateway_id = %(gateway)s), %(since)s)), 'epoch'),
           %(at)s::timestamptz - interval '1 microsecond',
           interval '1 hour') hour
    ON CONFLICT (tenant_id, gateway_id, start) DO NOTHING
