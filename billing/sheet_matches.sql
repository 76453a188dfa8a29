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
), lines AS (
    -- Whole lines, so that none has to be looked up again: right after a sheet was applied,
    -- nothing is known of how many there are.
    SELECT line.id, line.meter_id, line.kind, line.currency, line.unit_price, line.percent,
           line.number, line.product_filter, line.meter_filter, line.region_filter,
           sheet.id AS sheet_id, sheet.effective_from, sheet.effective_until
      FROM billing_sheetline line
      JOIN billing_pricesheet sheet
        ON sheet.tenant_id = line.tenant_id AND sheet.id = line.sheet_id
     WHERE line.tenant_id = %(tenant)s
       AND (sheet.effective_until IS NULL OR sheet.effective_from < sheet.effective_until)
), filtered AS MATERIALIZED (
    SELECT lines.*,
           ARRAY(SELECT coalesce(nullif(replace(replace(replace(replace(
                        lower(given), '\', '\\'), '%%', '\%%'), '_', '\_'), '*', '%%'), ''), '%%')
                   FROM unnest(ARRAY[product_filter, meter_filter, region_filter])
                        WITH ORDINALITY AS filters (given, place)
                  ORDER BY place) AS patterns
      FROM lines
     WHERE kind <> 'exact'
), fitting AS (
    SELECT meter_id AS meter, lines.*, NULL::text[] AS patterns
      FROM lines
     WHERE kind = 'exact' AND meter_id = ANY(%(meters)s)
     UNION ALL
    SELECT wanted.id, filtered.*
      FROM filtered
      JOIN wanted
        ON wanted.product LIKE filtered.patterns[1]
       AND wanted.name LIKE filtered.patterns[2]
       AND wanted.region LIKE filtered.patterns[3]
), agreed AS (
    SELECT meter AS meter_id, id, kind, currency, unit_price, percent,
           effective_from, effective_until,
           row_number() OVER (
               PARTITION BY meter
               ORDER BY kind = 'exact' DESC, meter_filter <> '' DESC, product_filter <> '' DESC,
                        region_filter <> '' DESC, effective_from DESC, sheet_id DESC, number DESC
           ) AS place
      FROM fitting
)
