-- Makes the meters known that the staged list names, and marks those that it names no more: of
-- the services, and the regions (none: all), that were asked for.
-- Grain: billing_meter one row an Azure meter; billing_pricechange one row for each that is
-- described anew, has vanished or has returned. Reads price_stage. Pay-as-you-go rows say what a
-- meter is called, before rows of commitments. Only rows that differ are written, and nothing is
-- recorded at the first load of all. Every part sees the meters as they were before.
WITH listed AS (
    SELECT DISTINCT ON (azure_id)
           azure_id, meter_name, product_name, sku_name, service_name, region, unit_of_measure
      FROM price_stage
     WHERE currency = %(list_currency)s
     ORDER BY azure_id, price_type, effective_from DESC, tier_minimum_units, sku_name, meter_name
), written AS (
    INSERT INTO billing_meter AS known
           (azure_id, meter_name, product_name, sku_name, service_name, region, unit_of_measure)
    SELECT azure_id, meter_name, product_name, sku_name, service_name, region, unit_of_measure
      FROM listed
        ON CONFLICT (azure_id) DO UPDATE
       SET meter_name = excluded.meter_name, product_name = excluded.product_name,
           sku_name = excluded.sku_name, service_name = excluded.service_name,
           region = excluded.region, unit_of_measure = excluded.unit_of_measure,
           vanished_at = NULL
     WHERE (known.meter_name, known.product_name, known.sku_name, known.service_name,
            known.region, known.unit_of_measure)
           IS DISTINCT FROM
           (excluded.meter_name, excluded.product_name, excluded.sku_name, excluded.service_name,
            excluded.region, excluded.unit_of_measure)
        OR known.vanished_at IS NOT NULL
    RETURNING id, azure_id
), vanished AS (
    UPDATE billing_meter known
       SET vanished_at = %(at)s
     WHERE vanished_at IS NULL
       AND service_name = ANY(%(services)s)
       AND (cardinality(%(regions)s::text[]) = 0 OR region = ANY(%(regions)s))
       AND NOT EXISTS (SELECT 1 FROM listed WHERE listed.azure_id = known.azure_id)
    RETURNING id
), described AS (
    SELECT before.id AS meter_id, before.vanished_at,
           to_jsonb(before) - '{id,azure_id,vanished_at}'::text[] AS was,
           to_jsonb(listed) - 'azure_id' AS becomes
      FROM written
      JOIN billing_meter before USING (id)
      JOIN listed ON listed.azure_id = before.azure_id
), recorded AS (
    INSERT INTO billing_pricechange (run_id, kind, meter_id, detail)
    SELECT %(run)s, kind, meter_id, detail
      FROM (SELECT 'returned' AS kind, meter_id, jsonb_build_object('since', vanished_at) AS detail
              FROM described WHERE vanished_at IS NOT NULL
             UNION ALL
            SELECT 'renamed', meter_id, jsonb_build_object(
                   'before', (SELECT jsonb_object_agg(key, value) FROM jsonb_each(was)
                               WHERE becomes -> key <> value),
                   'after', (SELECT jsonb_object_agg(key, value) FROM jsonb_each(becomes)
                              WHERE was -> key <> value))
              FROM described WHERE was <> becomes
             UNION ALL
            SELECT 'vanished', id, '{}' FROM vanished) changed
     WHERE %(newest_meter)s > 0
     ORDER BY kind, meter_id
    RETURNING kind
)
SELECT kind, count(*) FROM recorded GROUP BY kind
