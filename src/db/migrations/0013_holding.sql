-- Up Migration
-- Holding without paying (decisions 0040 to 0043): rules on unpaid holds, and the waiting list of `acceptLater`.

-- ── rules of a category, or of a SKU, whose own value wins ──────────────────
ALTER TABLE category
  ADD COLUMN unpaid_limit bigint CHECK (unpaid_limit >= 1),
  ADD COLUMN scarce_hold_minutes integer CHECK (scarce_hold_minutes >= 1),
  ADD COLUMN scarce_units bigint CHECK (scarce_units >= 0);
ALTER TABLE sku
  ADD COLUMN unpaid_limit bigint CHECK (unpaid_limit >= 1),
  ADD COLUMN scarce_hold_minutes integer CHECK (scarce_hold_minutes >= 1),
  ADD COLUMN scarce_units bigint CHECK (scarce_units >= 0);

-- ── the waiting list ────────────────────────────────────────────────────────
-- What those who wait ask for, beside the units themselves: whoever locks the one reads the other.
ALTER TABLE stock_pool ADD COLUMN waiting bigint NOT NULL DEFAULT 0 CONSTRAINT i18_waiting CHECK (waiting >= 0);
ALTER TABLE presale_quota ADD COLUMN waiting bigint NOT NULL DEFAULT 0 CONSTRAINT i18_waiting CHECK (waiting >= 0);
CREATE INDEX stock_pool_waiting ON stock_pool (tenant, sku) WHERE waiting > 0;
CREATE INDEX presale_quota_waiting ON presale_quota (tenant, campaign_id, region) WHERE waiting > 0;

-- One wait an order. The position is drawn under the locks of all pools the order asks of, so that for every two
-- orders that share a SKU it is the order of their commits.
CREATE TABLE waiting_order (
  tenant text NOT NULL,
  order_id text NOT NULL,
  position bigint GENERATED ALWAYS AS IDENTITY,
  -- how many rows of waiting_demand it has
  parts integer NOT NULL CHECK (parts >= 1),
  since timestamptz NOT NULL DEFAULT clock_timestamp(),
  until timestamptz NOT NULL,
  -- its turn seemed to have come, and nothing that was free served it: when, and at which versions of its pools, summed
  looked_at timestamptz,
  looked_version bigint,
  ended_at timestamptz,
  outcome text CHECK (outcome IN ('promoted', 'cancelled')),
  PRIMARY KEY (tenant, order_id),
  FOREIGN KEY (tenant, order_id) REFERENCES orders,
  CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX waiting_order_live ON waiting_order (tenant, until) WHERE ended_at IS NULL;

-- What it asks for, by the real goods, or by a campaign's quota in a region. Only of those who wait: deleted at the end.
CREATE TABLE waiting_demand (
  tenant text NOT NULL,
  order_id text NOT NULL,
  part integer NOT NULL,
  position bigint NOT NULL,
  sku text NOT NULL,
  campaign_id text,
  region text,
  units bigint NOT NULL CHECK (units >= 1),
  PRIMARY KEY (tenant, order_id, part),
  FOREIGN KEY (tenant, order_id) REFERENCES waiting_order,
  FOREIGN KEY (tenant, sku) REFERENCES stock_pool,
  FOREIGN KEY (tenant, campaign_id, region) REFERENCES presale_quota,
  CHECK ((campaign_id IS NULL) = (region IS NULL))
);
CREATE INDEX waiting_demand_queue ON waiting_demand (tenant, sku, position);

-- Whoever joins or leaves holds the pools' and the quotas' locks.
CREATE FUNCTION count_waiting() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
  UPDATE stock_pool p SET waiting = p.waiting + sign * c.units, version = p.version + 1
    FROM (SELECT tenant, sku, sum(units)::bigint AS units FROM changed WHERE campaign_id IS NULL GROUP BY tenant, sku) c
   WHERE p.tenant = c.tenant AND p.sku = c.sku;
  UPDATE presale_quota q SET waiting = q.waiting + sign * c.units
    FROM (SELECT tenant, campaign_id, region, sum(units)::bigint AS units FROM changed WHERE campaign_id IS NOT NULL
           GROUP BY tenant, campaign_id, region) c
   WHERE q.tenant = c.tenant AND q.campaign_id = c.campaign_id AND q.region = c.region;
  RETURN NULL;
END $$;
CREATE TRIGGER count_waiting AFTER INSERT ON waiting_demand
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_waiting();
CREATE TRIGGER count_waiting_no_more AFTER DELETE ON waiting_demand
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_waiting();

-- ── access ──────────────────────────────────────────────────────────────────
DO $$
DECLARE table_name text;
BEGIN
  FOREACH table_name IN ARRAY ARRAY['waiting_order', 'waiting_demand'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
    EXECUTE format('CREATE POLICY own_tenant ON %I USING (tenant = current_tenant()) WITH CHECK (tenant = current_tenant())', table_name);
    EXECUTE format('CREATE POLICY checker_reads_all ON %I FOR SELECT TO xianda_checker USING (true)', table_name);
    EXECUTE format('GRANT SELECT ON %I TO xianda_checker', table_name);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO xianda_app', table_name);
  END LOOP;
END $$;
CREATE POLICY dispatch_reads_all ON waiting_order FOR SELECT TO xianda_dispatch USING (true);
GRANT SELECT ON waiting_order TO xianda_dispatch;
GRANT UPDATE (looked_at, looked_version, ended_at, outcome) ON waiting_order TO xianda_app;
GRANT DELETE ON waiting_demand TO xianda_app;

-- ── whose turn it is ────────────────────────────────────────────────────────
-- Units of each queue that are free for those who wait: what an order could take at most, wherever it goes.
CREATE VIEW waiting_supply WITH (security_invoker = true) AS
SELECT s.tenant, s.sku, NULL::text AS campaign_id, NULL::text AS region, (sum(s.units) - k.safety_stock)::bigint AS units
  FROM (SELECT p.tenant, p.sku, b.site_id,
               greatest(0, sum(b.on_hand - b.held - b.committed - b.quarantined) - i.safety_stock) AS units
          FROM stock_pool p
          JOIN stock_balance b ON b.tenant = p.tenant AND b.sku = p.sku AND b.on_hand > b.held + b.committed + b.quarantined
          JOIN site i ON i.tenant = b.tenant AND i.site_id = b.site_id
         WHERE p.waiting > 0 GROUP BY p.tenant, p.sku, b.site_id, i.safety_stock) s
  JOIN sku k ON k.tenant = s.tenant AND k.sku = s.sku
 GROUP BY s.tenant, s.sku, k.safety_stock HAVING sum(s.units) > k.safety_stock
UNION ALL
SELECT q.tenant, c.sku, q.campaign_id, q.region, q.units - q.held - q.sold
  FROM presale_quota q JOIN presale_campaign c ON c.tenant = q.tenant AND c.campaign_id = q.campaign_id
 WHERE q.waiting > 0 AND q.held + q.sold < q.units;

-- Whether what is free is known not to serve the order, because it lies where it cannot reach the buyer in time: then
-- nothing is kept for it, until anything changes in its pools. The calendar and the network change too: half a minute.
CREATE FUNCTION passed_over(w waiting_order) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN w.looked_at > now() - interval '30 seconds' THEN w.looked_version = (
    SELECT sum(p.version) FROM waiting_demand d JOIN stock_pool p ON p.tenant = d.tenant AND p.sku = d.sku
     WHERE d.tenant = w.tenant AND d.order_id = w.order_id) ELSE false END
$$;

-- Those for whom there is enough after all ahead of them in each of their queues. Nobody else can be served: it is the
-- admission that decides, under the locks, whether the units are where they serve the buyer.
CREATE VIEW waiting_next WITH (security_invoker = true) AS
WITH queue AS (
  SELECT d.tenant, d.order_id, s.units,
         sum(d.units) OVER (PARTITION BY d.tenant, d.sku, d.campaign_id, d.region ORDER BY d.position) AS asked
    FROM waiting_supply s
    JOIN waiting_demand d ON d.tenant = s.tenant AND d.sku = s.sku AND d.campaign_id IS NOT DISTINCT FROM s.campaign_id
                         AND d.region IS NOT DISTINCT FROM s.region
    JOIN waiting_order w ON w.tenant = d.tenant AND w.order_id = d.order_id
   WHERE NOT passed_over(w))
SELECT w.tenant, w.order_id, w.position, w.since, w.looked_at
  FROM (SELECT tenant, order_id, count(*) AS parts FROM queue WHERE asked <= units GROUP BY tenant, order_id) served
  JOIN waiting_order w ON w.tenant = served.tenant AND w.order_id = served.order_id
 WHERE w.ended_at IS NULL AND served.parts = w.parts;

-- ── what is told to the outside ─────────────────────────────────────────────
CREATE OR REPLACE FUNCTION outbound_type(kind text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE kind
    WHEN 'placed' THEN 'order.placed'
    WHEN 'waiting' THEN 'order.waiting'
    WHEN 'promoted' THEN 'order.promoted'
    WHEN 'paid' THEN 'order.paid'
    WHEN 'reheld' THEN 'order.paid'
    WHEN 'latePayment' THEN 'order.latePayment'
    WHEN 'expired' THEN 'order.expired'
    WHEN 'cancelled' THEN 'order.cancelled'
    WHEN 'partlyCancelled' THEN 'order.partlyCancelled'
    WHEN 'fulfilling' THEN 'order.fulfilling'
    WHEN 'shipped' THEN 'order.shipped'
    WHEN 'delivered' THEN 'order.delivered'
    WHEN 'refundRequested' THEN 'order.refundRequested'
    WHEN 'refunded' THEN 'order.refunded'
    WHEN 'attention' THEN 'order.attention'
    WHEN 'offered' THEN 'order.offer'
    WHEN 'offerAnswered' THEN 'order.offerAnswered'
    WHEN 'repromised' THEN 'order.repromised'
    WHEN 'lineCancelled' THEN 'order.lineCancelled'
    WHEN 'goodsArrived' THEN 'order.goodsArrived'
  END
$$;

-- ── 18 · the waiting list: counted right, nobody holds while waiting, nobody is forgotten ──
CREATE VIEW check_18_waiting WITH (security_invoker = true) AS
WITH asked AS (
  SELECT d.tenant, d.order_id, d.sku, NULL::text AS campaign_id, sum(d.units) AS units
    FROM line_demand d JOIN orders o ON o.tenant = d.tenant AND o.order_id = d.order_id
   WHERE o.state = 'waiting' AND d.supply = 'spot' GROUP BY d.tenant, d.order_id, d.sku
  UNION ALL
  SELECT l.tenant, l.order_id, l.sku, l.campaign_id, sum(l.quantity)
    FROM order_line l JOIN orders o ON o.tenant = l.tenant AND o.order_id = l.order_id
   WHERE o.state = 'waiting' AND l.supply = 'presale' GROUP BY l.tenant, l.order_id, l.sku, l.campaign_id),
pools AS (SELECT tenant, sku, sum(units) AS units FROM waiting_demand WHERE campaign_id IS NULL GROUP BY tenant, sku),
quotas AS (
  SELECT tenant, campaign_id, region, sum(units) AS units FROM waiting_demand WHERE campaign_id IS NOT NULL
   GROUP BY tenant, campaign_id, region)
SELECT o.tenant, o.order_id AS subject, jsonb_build_object('problem', 'the order waits and is not in line', 'since', o.created_at) AS detail
  FROM orders o
 WHERE o.state = 'waiting' AND NOT EXISTS (SELECT 1 FROM waiting_order w WHERE w.tenant = o.tenant AND w.order_id = o.order_id
                                             AND w.ended_at IS NULL)
UNION ALL
SELECT w.tenant, w.order_id, jsonb_build_object('problem', 'in line though the order does not wait', 'state', o.state)
  FROM waiting_order w JOIN orders o ON o.tenant = w.tenant AND o.order_id = w.order_id
 WHERE w.ended_at IS NULL AND o.state <> 'waiting'
UNION ALL
SELECT w.tenant, w.order_id, jsonb_build_object('problem', 'asks for units though it is not in line any more')
  FROM waiting_order w
 WHERE w.ended_at IS NOT NULL AND EXISTS (SELECT 1 FROM waiting_demand d WHERE d.tenant = w.tenant AND d.order_id = w.order_id)
UNION ALL
SELECT o.tenant, o.order_id, jsonb_build_object('problem', 'a waiting order holds something')
  FROM orders o
 WHERE o.state = 'waiting'
   AND (EXISTS (SELECT 1 FROM hold h WHERE h.tenant = o.tenant AND h.order_id = o.order_id)
        OR EXISTS (SELECT 1 FROM quota_hold q WHERE q.tenant = o.tenant AND q.order_id = o.order_id)
        OR EXISTS (SELECT 1 FROM capacity_hold c WHERE c.tenant = o.tenant AND c.order_id = o.order_id))
UNION ALL
SELECT a.tenant, a.order_id, jsonb_build_object('problem', 'what is waited for is not what was ordered', 'sku', a.sku,
         'campaign', a.campaign_id, 'ordered', a.units, 'waitedFor', coalesce(sum(d.units), 0))
  FROM asked a LEFT JOIN waiting_demand d ON d.tenant = a.tenant AND d.order_id = a.order_id AND d.sku = a.sku
                                         AND d.campaign_id IS NOT DISTINCT FROM a.campaign_id
 GROUP BY a.tenant, a.order_id, a.sku, a.campaign_id, a.units HAVING coalesce(sum(d.units), 0) <> a.units
UNION ALL
SELECT tenant, sku, jsonb_build_object('problem', 'the pool''s count of those who wait is wrong', 'counted', p.waiting, 'asked', coalesce(w.units, 0))
  FROM stock_pool p LEFT JOIN pools w USING (tenant, sku) WHERE p.waiting <> coalesce(w.units, 0)
UNION ALL
SELECT tenant, campaign_id || ' ' || region, jsonb_build_object('problem', 'the quota''s count of those who wait is wrong',
         'counted', q.waiting, 'asked', coalesce(w.units, 0))
  FROM presale_quota q LEFT JOIN quotas w USING (tenant, campaign_id, region) WHERE q.waiting <> coalesce(w.units, 0)
UNION ALL
SELECT w.tenant, w.order_id, jsonb_build_object('problem', 'waits for more than 60 s past its end', 'until', w.until)
  FROM waiting_order w WHERE w.ended_at IS NULL AND w.until < now() - interval '60 seconds'
UNION ALL
-- ten seconds since units last came free, and nobody has had a look
SELECT n.tenant, n.order_id, jsonb_build_object('problem', 'next in line, and units for it are free', 'since', n.since, 'lookedAt', n.looked_at)
  FROM waiting_next n
 WHERE n.since < now() - interval '10 seconds' AND (n.looked_at IS NULL OR n.looked_at < now() - interval '45 seconds')
   AND NOT EXISTS (SELECT 1 FROM waiting_demand d JOIN stock_movement m ON m.tenant = d.tenant AND m.sku = d.sku
                    WHERE d.tenant = n.tenant AND d.order_id = n.order_id AND m.at > now() - interval '10 seconds')
   AND NOT EXISTS (SELECT 1 FROM waiting_demand d JOIN quota_hold q ON q.tenant = d.tenant AND q.campaign_id = d.campaign_id
                    WHERE d.tenant = n.tenant AND d.order_id = n.order_id AND q.ended_at > now() - interval '10 seconds')
   AND NOT EXISTS (SELECT 1 FROM setting_change c WHERE c.tenant = n.tenant AND c.at > now() - interval '10 seconds');
GRANT SELECT ON waiting_supply, waiting_next, check_18_waiting TO xianda_checker;
GRANT SELECT ON waiting_supply, waiting_next TO xianda_app;

DO $$ BEGIN
  EXECUTE 'CREATE OR REPLACE VIEW check_rows WITH (security_invoker = true) AS '
    || rtrim(pg_get_viewdef('check_rows'::regclass), ';')
    || ' UNION ALL SELECT 18, (SELECT count(*) FROM waiting_order)';
END $$;
