-- Which lines of the tenant's price sheets a meter falls under, the one that counts first.
-- Grain: meter × line, of either kind and at any time; `place` is 1 for the line that comes first.
-- Reads billing_meter, billing_pricesheet, billing_sheetline. A filter is compared without regard
-- to case; * stands for anything, and an empty filter lets every meter pass.
-- Order: a meter's exact price, then the filter that names most: meter name before product before
-- region. Among equals the newer sheet, then the later line.
wanted AS MATERIALIZED (
    SELECT id, lower(product_name) AS product, lower(meter_name) AS name, lower(region) AS region
      FROM billing_meter
     WHERE id = ANY(%(meters)s)
), filtered AS MATERIALIZED (
    SELECT line.id,
           ARRAY(SELECT coalesce(nullif(replace(replace(replace(replace(
                        lower(given), '\', '\\'), '%%', '\%%'), '_', '\_'), '*', '%%'), ''), '%%')
                   FROM unnest(ARRAY[line.product_filter, line.meter_filter, line.region_filter])
                        WITH ORDINALITY AS filters (given, place)
                  ORDER BY place) AS patterns
      FROM billing_sheetline line
     WHERE line.tenant_id = %(tenant)s AND line.kind <> 'exact'
), fitting AS MATERIALIZED (
    SELECT meter_id, id AS line_id
      FROM billing_sheetline
     WHERE tenant_id = %(tenant)s AND kind = 'exact' AND meter_id = ANY(%(meters)s)
     UNION ALL
    SELECT wanted.id, filtered.id
      FROM filtered
      JOIN wanted
        ON wanted.product LIKE filtered.patterns[1]
       AND wanted.name LIKE filtered.patterns[2]
       AND wanted.region LIKE filtered.patterns[3]
), agreed AS (
    SELECT fitting.meter_id, line.id, line.kind, line.currency, line.unit_price, line.percent,
           sheet.effective_from, sheet.effective_until,
           row_number() OVER (
               PARTITION BY fitting.meter_id
               ORDER BY line.kind = 'exact' DESC, line.meter_filter <> '' DESC,
                        line.product_filter <> '' DESC, line.region_filter <> '' DESC,
                        sheet.effective_from DESC, sheet.id DESC, line.number DESC
           ) AS place
      FROM fitting
      JOIN billing_sheetline line ON line.tenant_id = %(tenant)s AND line.id = fitting.line_id
      JOIN billing_pricesheet sheet
        ON sheet.tenant_id = line.tenant_id AND sheet.id = line.sheet_id
     WHERE sheet.effective_until IS NULL OR sheet.effective_from < sheet.effective_until
)
