-- Up Migration
-- Demand history, forecasts, what suppliers were sent of them and what they answered.

-- A finished day whose orders were counted: a (SKU, region) without a row in demand_day then asked for nothing.
CREATE TABLE demand_count (
  tenant text NOT NULL REFERENCES tenant,
  date date NOT NULL,
  counted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, date)
);

-- Units of real goods ordered in a region on a local day. Presale stands apart: it does not come off the shelf, and
-- campaigns have a plan of their own. An imported row stays whatever is counted: the brand's sheet knows channels
-- that we do not.
CREATE TABLE demand_day (
  tenant text NOT NULL,
  sku text NOT NULL,
  region text NOT NULL,
  date date NOT NULL,
  units bigint NOT NULL CHECK (units >= 0),
  presale_units bigint NOT NULL DEFAULT 0 CHECK (presale_units >= 0),
  -- of imported rows; what we count has its stockouts in stockout_day
  stockout boolean NOT NULL DEFAULT false,
  source text NOT NULL CHECK (source IN ('orders', 'import')),
  PRIMARY KEY (tenant, sku, region, date),
  FOREIGN KEY (tenant, sku) REFERENCES sku
);
CREATE INDEX demand_day_by_date ON demand_day (tenant, date);

-- Counted days on which a SKU could not be bought for a while, from the journal: demand there was at least the units.
CREATE TABLE stockout_day (
  tenant text NOT NULL,
  sku text NOT NULL,
  date date NOT NULL,
  missed_minutes integer NOT NULL CHECK (missed_minutes > 0),
  PRIMARY KEY (tenant, date, sku),
  FOREIGN KEY (tenant, sku) REFERENCES sku
);

-- One scheduled time, one forecast of the tenant: a run that comes twice finds it made.
CREATE TABLE forecast_run (
  tenant text NOT NULL REFERENCES tenant,
  made_at timestamptz NOT NULL,
  schedule_id text NOT NULL,
  model text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, made_at, schedule_id)
);

-- The newest forecast of each day ahead.
CREATE TABLE forecast (
  tenant text NOT NULL,
  sku text NOT NULL,
  region text NOT NULL,
  date date NOT NULL,
  p10 bigint NOT NULL CHECK (p10 >= 0),
  p50 bigint NOT NULL,
  p90 bigint NOT NULL,
  basis text NOT NULL CHECK (basis IN ('history', 'pooled', 'none')),
  model text NOT NULL,
  made_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, sku, region, date),
  FOREIGN KEY (tenant, sku) REFERENCES sku,
  CHECK (p10 <= p50 AND p50 <= p90)
);

CREATE TABLE supplier_forecast (
  tenant text NOT NULL,
  forecast_id text NOT NULL,
  supplier_id text NOT NULL,
  made_at timestamptz NOT NULL,
  model text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, forecast_id),
  FOREIGN KEY (tenant, supplier_id) REFERENCES supplier
);
CREATE INDEX supplier_forecast_newest ON supplier_forecast (tenant, supplier_id, made_at DESC, forecast_id DESC);

-- What the supplier was sent, for good. The quantiles count units to supply: shelf demand and, of it, what presale
-- has promised from that day on.
CREATE TABLE supplier_forecast_line (
  tenant text NOT NULL,
  forecast_id text NOT NULL,
  sku text NOT NULL,
  region text NOT NULL,
  date date NOT NULL,
  p10 bigint NOT NULL CHECK (p10 >= presale),
  p50 bigint NOT NULL,
  p90 bigint NOT NULL,
  presale bigint NOT NULL CHECK (presale >= 0),
  basis text NOT NULL CHECK (basis IN ('history', 'pooled', 'none')),
  PRIMARY KEY (tenant, forecast_id, sku, region, date),
  FOREIGN KEY (tenant, forecast_id) REFERENCES supplier_forecast,
  FOREIGN KEY (tenant, sku) REFERENCES sku,
  CHECK (p10 <= p50 AND p50 <= p90)
);

-- The supplier's word for a SKU and day, over all regions; the last word counts.
CREATE TABLE supplier_answer (
  tenant text NOT NULL,
  forecast_id text NOT NULL,
  sku text NOT NULL,
  date date NOT NULL,
  confirmed bigint NOT NULL CHECK (confirmed >= 0),
  answered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  answered_by text NOT NULL,
  PRIMARY KEY (tenant, forecast_id, sku, date),
  FOREIGN KEY (tenant, forecast_id) REFERENCES supplier_forecast
);
CREATE INDEX supplier_answer_by_sku ON supplier_answer (tenant, sku, date);

-- The journal of a day, without a tree that every sale would have to grow: the table is in the order of time.
CREATE INDEX stock_movement_by_time ON stock_movement USING brin (at);

-- ── access ──────────────────────────────────────────────────────────────────
DO $$
DECLARE table_name text;
BEGIN
  FOREACH table_name IN ARRAY ARRAY['demand_count', 'demand_day', 'stockout_day', 'forecast_run', 'forecast',
                                    'supplier_forecast', 'supplier_forecast_line', 'supplier_answer'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
    EXECUTE format('CREATE POLICY own_tenant ON %I USING (tenant = current_tenant()) WITH CHECK (tenant = current_tenant())', table_name);
    EXECUTE format('CREATE POLICY checker_reads_all ON %I FOR SELECT TO xianda_checker USING (true)', table_name);
    EXECUTE format('GRANT SELECT ON %I TO xianda_checker', table_name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO xianda_app', table_name);
  END LOOP;
END $$;
GRANT DELETE ON demand_day, stockout_day TO xianda_app;
REVOKE UPDATE ON stockout_day, forecast_run, supplier_forecast, supplier_forecast_line FROM xianda_app;

-- ── 17 · forecasts are fresh, told once, and answered line by line ──────────
CREATE VIEW check_17_forecasts WITH (security_invoker = true) AS
SELECT r.tenant, r.tenant AS subject, jsonb_build_object('problem', 'no forecast for more than 36 hours', 'newest', max(r.recorded_at)) AS detail
  FROM forecast_run r
 WHERE EXISTS (SELECT 1 FROM supplier s WHERE s.tenant = r.tenant AND cardinality(s.skus) > 0)
 GROUP BY r.tenant HAVING max(r.recorded_at) < now() - interval '36 hours'
UNION ALL
SELECT f.tenant, f.forecast_id, jsonb_build_object('problem', 'published without its event', 'supplier', f.supplier_id)
  FROM supplier_forecast f
 WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.tenant = f.tenant AND e.type = 'forecast.published' AND e.subject = f.forecast_id
                     AND e.supplier_id = f.supplier_id)
UNION ALL
SELECT a.tenant, a.forecast_id, jsonb_build_object('problem', 'a word on a line that was never sent', 'sku', a.sku, 'date', a.date)
  FROM supplier_answer a
 WHERE NOT EXISTS (SELECT 1 FROM supplier_forecast_line l WHERE l.tenant = a.tenant AND l.forecast_id = a.forecast_id
                     AND l.sku = a.sku AND l.date = a.date);
GRANT SELECT ON check_17_forecasts TO xianda_checker;

-- One line more for whatever the view says by now.
DO $$ BEGIN
  EXECUTE 'CREATE OR REPLACE VIEW check_rows WITH (security_invoker = true) AS '
    || rtrim(pg_get_viewdef('check_rows'::regclass), ';')
    || ' UNION ALL SELECT 17, (SELECT count(*) FROM forecast_run) + (SELECT count(*) FROM supplier_forecast)';
END $$;
