/**
 * SQL of what each supplier was asked for a SKU and day, and its last word on it: `sku, supplier_id, date, asked,
 * confirmed`. The last word stands, whichever forecast it answered; without one, the newest forecast is what was asked
 * and `confirmed` is null. `where` narrows the lines `l`.
 */
export function supplierWords({ tenant, where }: { tenant: string; where: string }): string {
  return `
    SELECT DISTINCT ON (f.supplier_id, s.sku, s.date) s.sku, f.supplier_id, s.date, s.asked, a.confirmed
      FROM (SELECT l.forecast_id, l.sku, l.date, sum(l.p50)::bigint AS asked
              FROM supplier_forecast_line l WHERE l.tenant = ${tenant} AND ${where}
             GROUP BY l.forecast_id, l.sku, l.date) s
      JOIN supplier_forecast f ON f.tenant = ${tenant} AND f.forecast_id = s.forecast_id
      LEFT JOIN supplier_answer a
             ON a.tenant = ${tenant} AND a.forecast_id = s.forecast_id AND a.sku = s.sku AND a.date = s.date
     ORDER BY f.supplier_id, s.sku, s.date, a.confirmed IS NULL, f.made_at DESC, f.forecast_id DESC`;
}

/** SQL of what suppliers bring of a campaign `t`'s goods between its first and last delivery day, as JSON. */
export const supplyOfCampaign = `(
  SELECT coalesce(json_agg(json_build_object('sku', w.sku, 'supplierId', w.supplier_id, 'date', w.date, 'asked', w.asked,
                                             'confirmed', w.confirmed) ORDER BY w.date, w.sku, w.supplier_id), '[]'::json)
    FROM (${supplierWords({
      tenant: 't.tenant',
      where: `l.date BETWEEN t.deliver_from AND t.deliver_by
        AND l.sku IN (SELECT c.component_sku FROM sku_component c WHERE c.tenant = t.tenant AND c.sku = t.sku UNION ALL SELECT t.sku)`,
    })}) w)`;
