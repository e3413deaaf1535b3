-- Up Migration
-- Presale aggregation: what suppliers sell in, what each campaign has sold by region at each tick of its schedule,
-- what it is projected to sell until it closes, and what has to be bought for it.

-- When the machine learnt of a campaign: one that was entered late is not called unaggregated at once.
ALTER TABLE presale_campaign ADD COLUMN created_at timestamptz NOT NULL DEFAULT clock_timestamp();

CREATE TABLE supplier_term (
  tenant text NOT NULL,
  supplier_id text NOT NULL,
  sku text NOT NULL,
  case_pack bigint NOT NULL DEFAULT 1 CHECK (case_pack >= 1),
  minimum_order bigint NOT NULL DEFAULT 0 CHECK (minimum_order >= 0),
  PRIMARY KEY (tenant, supplier_id, sku),
  FOREIGN KEY (tenant, supplier_id) REFERENCES supplier,
  FOREIGN KEY (tenant, sku) REFERENCES sku
);

-- One row for each campaign, region and tick. `scheduled_at` is the tick's scheduled time; the row counts what
-- happened before `as_of`, the end of that second. Written once: a tick that runs again finds its rows there.
CREATE TABLE presale_aggregation (
  tenant text NOT NULL,
  campaign_id text NOT NULL,
  scheduled_at timestamptz NOT NULL,
  region text NOT NULL,
  as_of timestamptz NOT NULL,
  quota bigint NOT NULL CHECK (quota >= 0),
  committed bigint NOT NULL CHECK (committed >= 0),
  held bigint NOT NULL CHECK (held >= 0),
  -- the projection to closing: units with their 80 % interval
  low bigint NOT NULL,
  units bigint NOT NULL,
  high bigint NOT NULL,
  purchase_by date NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, campaign_id, scheduled_at, region),
  FOREIGN KEY (tenant, campaign_id) REFERENCES presale_campaign,
  CHECK (as_of > scheduled_at),
  -- a quota that was lowered since, to what is still sold, may be below what was sold at the tick
  CONSTRAINT projection_in_order
    CHECK (committed <= low AND low <= units AND units <= high AND high <= greatest(quota, committed))
);

-- The purchase that follows, in real goods: a gift box is bought as its components. Regions sum to the purchase.
CREATE TABLE presale_purchase (
  tenant text NOT NULL,
  campaign_id text NOT NULL,
  scheduled_at timestamptz NOT NULL,
  sku text NOT NULL,
  region text NOT NULL,
  units bigint NOT NULL CHECK (units >= 0),
  -- null: no supplier lists the SKU
  supplier_id text,
  purchase_by date NOT NULL,
  PRIMARY KEY (tenant, campaign_id, scheduled_at, sku, region),
  FOREIGN KEY (tenant, campaign_id, scheduled_at, region) REFERENCES presale_aggregation,
  FOREIGN KEY (tenant, sku) REFERENCES sku,
  FOREIGN KEY (tenant, supplier_id) REFERENCES supplier
);

DO $$
DECLARE table_name text;
BEGIN
  FOREACH table_name IN ARRAY ARRAY['supplier_term', 'presale_aggregation', 'presale_purchase'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
    EXECUTE format('CREATE POLICY own_tenant ON %I USING (tenant = current_tenant()) WITH CHECK (tenant = current_tenant())', table_name);
    EXECUTE format('CREATE POLICY checker_reads_all ON %I FOR SELECT TO xianda_checker USING (true)', table_name);
    EXECUTE format('GRANT SELECT ON %I TO xianda_checker', table_name);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO xianda_app', table_name);
  END LOOP;
END $$;
GRANT DELETE ON supplier_term TO xianda_app;

-- What stands of a campaign's quota in each region at an instant, from the history of its holds. A hold past its
-- end is not live, swept or not; units that a cancel gave back count until it did.
CREATE FUNCTION quota_taken(of_tenant text, of_campaign text, instant timestamptz)
RETURNS TABLE (region text, committed bigint, held bigint) LANGUAGE sql STABLE AS $$
  SELECT h.region,
         coalesce(sum(h.quantity) FILTER (WHERE h.state = 'committed' AND h.ended_at < instant
           AND (h.uncommitted_at IS NULL OR h.uncommitted_at >= instant)), 0)::bigint,
         coalesce(sum(h.quantity) FILTER (WHERE h.created_at < instant AND (h.ended_at IS NULL OR h.ended_at >= instant)
           AND h.expires_at >= instant), 0)::bigint
    FROM quota_hold h WHERE h.tenant = of_tenant AND h.campaign_id = of_campaign AND h.created_at < instant
   GROUP BY h.region
$$;
GRANT EXECUTE ON FUNCTION quota_taken TO xianda_app, xianda_checker;

-- ── 13 · what was aggregated is what the quota's holds say of that instant ──
CREATE VIEW check_13_aggregation WITH (security_invoker = true) AS
SELECT a.tenant, a.campaign_id || ' ' || a.region AS subject,
       jsonb_build_object('problem', 'an aggregation does not say what the holds say', 'asOf', a.as_of,
         'committed', a.committed, 'ofHolds', coalesce(t.committed, 0), 'held', a.held, 'heldOfHolds', coalesce(t.held, 0)) AS detail
  FROM (SELECT DISTINCT tenant, campaign_id, as_of FROM presale_aggregation) tick
  JOIN presale_aggregation a USING (tenant, campaign_id, as_of)
  LEFT JOIN LATERAL quota_taken(tick.tenant, tick.campaign_id, tick.as_of) t ON t.region = a.region
 WHERE a.committed <> coalesce(t.committed, 0) OR a.held <> coalesce(t.held, 0)
UNION ALL
SELECT a.tenant, a.campaign_id || ' ' || p.sku, jsonb_build_object('problem', 'the purchase does not cover the projection',
         'scheduledAt', a.scheduled_at, 'projected', a.units, 'purchased', p.units, 'region', a.region)
  FROM presale_aggregation a JOIN presale_purchase p USING (tenant, campaign_id, scheduled_at, region)
 WHERE p.units < a.units;
GRANT SELECT ON check_13_aggregation TO xianda_checker;
