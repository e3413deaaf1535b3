-- Up Migration
-- One view per invariant of docs/invariants.md: `check_NN_<slug>` returns the offending rows as
-- (tenant, subject, detail). All are security_invoker views: the caller's row-level security counts, so only
-- xianda_checker (or a tenant for itself) sees anything, and `check_rows` tells how many rows each check looked
-- at, because an empty answer from a blind checker proves nothing.
-- "Now" is now(): the doctor reads every view in one snapshot, and later clocks would call the in-flight late.

-- ── what settings were when ─────────────────────────────────────────────────
-- Stock, zones and certificates are judged by the setting of the time. A changed setting is noted here, and
-- what happened before the change is not held against it.
CREATE TABLE setting_change (
  tenant text NOT NULL REFERENCES tenant,
  noun text NOT NULL,
  id text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, noun, id)
);
ALTER TABLE setting_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE setting_change FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON setting_change USING (tenant = current_tenant()) WITH CHECK (tenant = current_tenant());
CREATE POLICY checker_reads_all ON setting_change FOR SELECT TO xianda_checker USING (true);
GRANT SELECT ON setting_change TO xianda_checker;
GRANT SELECT, INSERT, UPDATE ON setting_change TO xianda_app;

-- Arguments: the id's column, then the columns that are watched.
CREATE FUNCTION note_setting_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before jsonb := to_jsonb(OLD);
  after jsonb := to_jsonb(NEW);
BEGIN
  IF EXISTS (SELECT 1 FROM unnest(TG_ARGV[1:]) c WHERE before -> c IS DISTINCT FROM after -> c) THEN
    INSERT INTO setting_change (tenant, noun, id) VALUES (NEW.tenant, TG_TABLE_NAME, after ->> TG_ARGV[0])
      ON CONFLICT (tenant, noun, id) DO UPDATE SET at = excluded.at;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note_setting_change AFTER UPDATE ON sku FOR EACH ROW
  EXECUTE FUNCTION note_setting_change('sku', 'zone', 'safety_stock', 'minimum_remaining_life_days', 'category');
CREATE TRIGGER note_setting_change AFTER UPDATE ON category FOR EACH ROW
  EXECUTE FUNCTION note_setting_change('category', 'minimum_remaining_life_days');
CREATE TRIGGER note_setting_change AFTER UPDATE ON site FOR EACH ROW
  EXECUTE FUNCTION note_setting_change('site_id', 'zones', 'safety_stock');
CREATE TRIGGER note_setting_change AFTER UPDATE ON carrier FOR EACH ROW
  EXECUTE FUNCTION note_setting_change('carrier_id', 'zones');
CREATE TRIGGER note_setting_change AFTER UPDATE ON leader FOR EACH ROW
  EXECUTE FUNCTION note_setting_change('leader_id', 'certificate');

-- ── helpers ─────────────────────────────────────────────────────────────────
-- The real goods behind each line, one row per (line, SKU); `components` are already multiplied by the quantity.
CREATE VIEW line_demand WITH (security_invoker = true) AS
SELECT l.tenant, l.order_id, l.line_id, l.supply, c.sku, sum(c.quantity)::bigint AS units
  FROM order_line l, jsonb_to_recordset(l.components) AS c(sku text, quantity bigint)
 GROUP BY l.tenant, l.order_id, l.line_id, l.supply, c.sku;

-- Where the units of each committed hold are: `planned` in live shipments, `gone` of them out of the door,
-- `unplanned` still standing without a plan, `cancelled` given back.
CREATE VIEW hold_account WITH (security_invoker = true) AS
WITH travelling AS (
  SELECT pl.tenant, pl.hold_id, sum(pl.quantity)::bigint AS planned,
         coalesce(sum(pl.quantity) FILTER (WHERE s.state IN
           ('pickedUp', 'inTransit', 'atPickupPoint', 'failed', 'delivered', 'returned')), 0)::bigint AS gone
    FROM parcel_lot pl
    JOIN parcel pa ON pa.tenant = pl.tenant AND pa.parcel_id = pl.parcel_id
    JOIN shipment s ON s.tenant = pa.tenant AND s.shipment_id = pa.shipment_id
   WHERE s.state <> 'cancelled' GROUP BY pl.tenant, pl.hold_id)
SELECT h.tenant, h.hold_id, h.order_id, h.line_id, h.sku, h.quantity, h.remaining, coalesce(t.planned, 0) AS planned,
       coalesce(t.gone, 0) AS gone, h.remaining - (coalesce(t.planned, 0) - coalesce(t.gone, 0)) AS unplanned,
       h.quantity - h.remaining - coalesce(t.gone, 0) AS cancelled
  FROM hold h LEFT JOIN travelling t ON t.tenant = h.tenant AND t.hold_id = h.hold_id
 WHERE h.state = 'committed';

-- Every row that names an order.
CREATE VIEW order_reference WITH (security_invoker = true) AS
SELECT 'order_line' AS child, tenant, order_id FROM order_line GROUP BY tenant, order_id
UNION ALL SELECT 'hold', tenant, order_id FROM hold GROUP BY tenant, order_id
UNION ALL SELECT 'quota_hold', tenant, order_id FROM quota_hold GROUP BY tenant, order_id
UNION ALL SELECT 'capacity_hold', tenant, order_id FROM capacity_hold GROUP BY tenant, order_id
UNION ALL SELECT 'recipient', tenant, order_id FROM recipient
UNION ALL SELECT 'order_event', tenant, order_id FROM order_event GROUP BY tenant, order_id
UNION ALL SELECT 'shipment', tenant, order_id FROM shipment GROUP BY tenant, order_id
UNION ALL SELECT 'payment', tenant, order_id FROM payment GROUP BY tenant, order_id
UNION ALL SELECT 'refund', tenant, order_id FROM refund GROUP BY tenant, order_id
UNION ALL SELECT 'attention', tenant, order_id FROM attention WHERE order_id IS NOT NULL GROUP BY tenant, order_id
UNION ALL SELECT 'outbox', tenant, subject FROM outbox WHERE kind IN ('startOrder', 'signalOrder') GROUP BY tenant, subject
UNION ALL SELECT 'stock_movement', tenant, cause_id FROM stock_movement WHERE cause_kind = 'order' GROUP BY tenant, cause_id;

-- ── 1 · on hand = free + held + committed + quarantined, each ≥ 0 ────────────
CREATE VIEW check_01_balances WITH (security_invoker = true) AS
SELECT tenant, sku || ' ' || site_id || ' ' || lot_id AS subject,
       jsonb_build_object('problem', 'a balance is negative or holds more than is there', 'onHand', on_hand, 'held', held,
                          'committed', committed, 'quarantined', quarantined) AS detail
  FROM stock_balance
 WHERE least(on_hand, held, committed, quarantined, on_hand - held - committed - quarantined) < 0;

-- ── 2 · balance = Σ journal; batches and their chain as written; sealed within 5 s ──
CREATE VIEW check_02_journal WITH (security_invoker = true) AS
WITH journal AS (
  SELECT tenant, sku, site_id, lot_id, sum(on_hand) AS on_hand, sum(held) AS held, sum(committed) AS committed,
         sum(quarantined) AS quarantined
    FROM stock_movement GROUP BY tenant, sku, site_id, lot_id),
books AS (
  SELECT m.tenant, m.batch_id, count(*) AS movement_count,
         sha256(convert_to(string_agg(canonical_movement(m), E'\n' ORDER BY m.position), 'UTF8')) AS sha256
    FROM stock_movement m GROUP BY m.tenant, m.batch_id),
chain AS (
  SELECT s.tenant, s.position, s.batch_id, s.previous, s.hash, b.sha256,
         lag(s.hash, 1, decode(repeat('00', 32), 'hex')) OVER w AS expected_previous, row_number() OVER w AS expected_position
    FROM stock_seal s LEFT JOIN stock_batch b ON b.tenant = s.tenant AND b.batch_id = s.batch_id
  WINDOW w AS (PARTITION BY s.tenant ORDER BY s.position))
SELECT tenant, sku || ' ' || site_id || ' ' || lot_id AS subject,
       jsonb_build_object('problem', 'the balance is not the sum of its journal',
         'balance', jsonb_build_array(b.on_hand, b.held, b.committed, b.quarantined),
         'journal', jsonb_build_array(j.on_hand, j.held, j.committed, j.quarantined)) AS detail
  FROM stock_balance b FULL JOIN journal j USING (tenant, sku, site_id, lot_id)
 WHERE (coalesce(b.on_hand, 0), coalesce(b.held, 0), coalesce(b.committed, 0), coalesce(b.quarantined, 0))
    <> (coalesce(j.on_hand, 0), coalesce(j.held, 0), coalesce(j.committed, 0), coalesce(j.quarantined, 0))
UNION ALL
SELECT tenant, batch_id::text, jsonb_build_object('problem', 'a batch is not what was written',
         'movements', j.movement_count, 'recorded', b.movement_count)
  FROM books j FULL JOIN stock_batch b USING (tenant, batch_id)
 WHERE j.sha256 IS DISTINCT FROM b.sha256 OR j.movement_count IS DISTINCT FROM b.movement_count
UNION ALL
SELECT tenant, batch_id::text, jsonb_build_object('problem', 'the chain of seals is broken', 'position', position)
  FROM chain
 WHERE position <> expected_position OR previous <> expected_previous
    OR hash IS DISTINCT FROM sha256(previous || uuid_send(batch_id) || sha256)
UNION ALL
SELECT b.tenant, b.batch_id::text, jsonb_build_object('problem', 'not sealed within 5 s', 'at', b.at)
  FROM stock_batch b LEFT JOIN stock_seal s ON s.tenant = b.tenant AND s.batch_id = b.batch_id
 WHERE s.batch_id IS NULL AND b.at < now() - interval '5 seconds';

-- ── 3 · no oversell, ever: also recounted from the journal, batch by batch ──
-- Per SKU the pool's lock orders the writers; the seals keep that order even when a clock steps back.
CREATE VIEW check_03_oversell WITH (security_invoker = true) AS
WITH moved AS (
  SELECT m.tenant, m.sku, m.site_id, m.lot_id, m.batch_id, s.position, min(m.at) AS at,
         sum(m.on_hand) AS on_hand, sum(m.held) AS held, sum(m.committed) AS committed, sum(m.quarantined) AS quarantined,
         bool_or(m.kind = 'held') AS holds
    FROM stock_movement m LEFT JOIN stock_seal s ON s.tenant = m.tenant AND s.batch_id = m.batch_id
   GROUP BY m.tenant, m.sku, m.site_id, m.lot_id, m.batch_id, s.position),
running AS (
  SELECT tenant, sku, site_id, lot_id, batch_id, at, sum(on_hand) OVER w AS on_hand, sum(held) OVER w AS held,
         sum(committed) OVER w AS committed, sum(quarantined) OVER w AS quarantined
    FROM moved WINDOW w AS (PARTITION BY tenant, sku, site_id, lot_id ORDER BY position NULLS LAST, at, batch_id)),
-- the safety line: what each site may offer above its own line, summed over the pool, after every batch
at_site AS (
  SELECT tenant, sku, site_id, batch_id, position, at, holds, change,
         sum(change) OVER (PARTITION BY tenant, sku, site_id ORDER BY position NULLS LAST, at, batch_id) AS free
    FROM (SELECT tenant, sku, site_id, batch_id, position, min(at) AS at, bool_or(holds) AS holds,
                 sum(on_hand - held - committed - quarantined) AS change
            FROM moved GROUP BY tenant, sku, site_id, batch_id, position) m),
at_pool AS (
  SELECT tenant, sku, batch_id, at, holds, below, sum(change) OVER (PARTITION BY tenant, sku ORDER BY position NULLS LAST, at, batch_id) AS offered
    FROM (SELECT a.tenant, a.sku, a.batch_id, a.position, min(a.at) AS at, bool_or(a.holds) AS holds,
                 bool_or(a.holds AND a.free < s.safety_stock) AS below,
                 sum(greatest(0, a.free - s.safety_stock) - greatest(0, a.free - a.change - s.safety_stock)) AS change
            FROM at_site a JOIN site s ON s.tenant = a.tenant AND s.site_id = a.site_id
           GROUP BY a.tenant, a.sku, a.batch_id, a.position) m),
quota AS (
  SELECT tenant, campaign_id, region, sum(quantity) FILTER (WHERE state = 'held') AS held,
         sum(quantity) FILTER (WHERE state = 'committed' AND uncommitted_at IS NULL) AS sold
    FROM quota_hold GROUP BY tenant, campaign_id, region)
SELECT tenant, sku || ' ' || site_id || ' ' || lot_id AS subject,
       jsonb_build_object('problem', 'more was held or sold than was there', 'at', at, 'onHand', on_hand, 'held', held,
                          'committed', committed, 'quarantined', quarantined) AS detail
  FROM running WHERE least(on_hand, held, committed, quarantined, on_hand - held - committed - quarantined) < 0
UNION ALL
SELECT b.tenant, b.sku || ' ' || b.site_id || ' ' || b.lot_id,
       jsonb_build_object('problem', 'oversold', 'units', b.held + b.committed + b.quarantined - b.on_hand)
  FROM stock_balance b WHERE b.held + b.committed + b.quarantined > b.on_hand
UNION ALL
SELECT p.tenant, p.sku, jsonb_build_object('problem', 'a hold crossed the safety stock', 'at', p.at, 'batch', p.batch_id,
         'offered', p.offered, 'safetyStock', k.safety_stock)
  FROM at_pool p JOIN sku k ON k.tenant = p.tenant AND k.sku = p.sku
 WHERE p.holds AND (p.below OR p.offered < k.safety_stock)
   -- a transaction that read the old setting may end a little after the change
   AND p.at > coalesce((SELECT max(c.at) FROM setting_change c WHERE c.tenant = p.tenant
                          AND (c.noun = 'site' OR (c.noun = 'sku' AND c.id = p.sku))), '-infinity') + interval '5 seconds'
UNION ALL
SELECT q.tenant, q.campaign_id || ' ' || q.region,
       jsonb_build_object('problem', 'quota does not equal its holds or is oversold', 'units', q.units, 'held', q.held,
                          'sold', q.sold, 'heldByOrders', coalesce(h.held, 0), 'soldToOrders', coalesce(h.sold, 0))
  FROM presale_quota q LEFT JOIN quota h USING (tenant, campaign_id, region)
 WHERE q.held <> coalesce(h.held, 0) OR q.sold <> coalesce(h.sold, 0) OR q.held + q.sold > q.units OR least(q.held, q.sold) < 0
UNION ALL
SELECT h.tenant, h.hold_id, jsonb_build_object('problem', 'a presale line took the shelf''s goods', 'units', h.quantity, 'line', h.line_id)
  FROM hold h JOIN order_line l USING (tenant, order_id, line_id)
 WHERE l.supply = 'presale' AND h.state IN ('held', 'committed')
   AND NOT EXISTS (SELECT 1 FROM quota_hold q WHERE q.tenant = h.tenant AND q.order_id = h.order_id AND q.line_id = h.line_id
                     AND q.state = 'committed' AND q.uncommitted_at IS NULL);

-- ── 4 · held = open holds; a hold ends exactly once, at most 60 s after it is due ──
CREATE VIEW check_04_holds WITH (security_invoker = true) AS
WITH standing AS (
  SELECT tenant, sku, site_id, lot_id, sum(remaining) FILTER (WHERE state = 'held') AS held,
         sum(remaining) FILTER (WHERE state = 'committed') AS committed
    FROM hold GROUP BY tenant, sku, site_id, lot_id),
told AS (
  SELECT m.tenant, coalesce(s.order_id, m.cause_id) AS order_id, m.sku, m.site_id, m.lot_id,
         sum(m.held) FILTER (WHERE m.kind = 'held') AS held, -sum(m.held) FILTER (WHERE m.kind = 'released') AS released,
         -sum(m.held) FILTER (WHERE m.kind = 'expired') AS expired,
         sum(m.committed) FILTER (WHERE m.kind = 'committed') AS committed,
         -sum(m.committed) FILTER (WHERE m.kind IN ('uncommitted', 'pickedUp')) AS ended
    FROM stock_movement m
    LEFT JOIN shipment s ON m.cause_kind = 'shipment' AND s.tenant = m.tenant AND s.shipment_id = m.cause_id
   WHERE m.kind IN ('held', 'released', 'expired', 'committed', 'uncommitted', 'pickedUp')
   GROUP BY m.tenant, coalesce(s.order_id, m.cause_id), m.sku, m.site_id, m.lot_id),
promised AS (
  SELECT tenant, order_id, sku, site_id, lot_id, sum(quantity) AS held,
         sum(quantity) FILTER (WHERE state = 'released') AS released,
         sum(quantity) FILTER (WHERE state = 'expired') AS expired,
         sum(quantity) FILTER (WHERE state = 'committed') AS committed,
         sum(quantity - remaining) FILTER (WHERE state = 'committed') AS ended
    FROM hold GROUP BY tenant, order_id, sku, site_id, lot_id)
SELECT tenant, sku || ' ' || site_id || ' ' || lot_id AS subject,
       jsonb_build_object('problem', 'units held are not the units of open holds', 'held', b.held, 'heldByOrders',
         coalesce(s.held, 0), 'committed', b.committed, 'committedByOrders', coalesce(s.committed, 0)) AS detail
  FROM stock_balance b FULL JOIN standing s USING (tenant, sku, site_id, lot_id)
 WHERE coalesce(b.held, 0) <> coalesce(s.held, 0) OR coalesce(b.committed, 0) <> coalesce(s.committed, 0)
UNION ALL
SELECT tenant, order_id || ' ' || sku || ' ' || site_id || ' ' || lot_id,
       jsonb_build_object('problem', 'the journal does not tell each end of the order''s holds exactly once',
         'journal', jsonb_build_object('held', t.held, 'released', t.released, 'expired', t.expired, 'committed', t.committed, 'ended', t.ended),
         'holds', jsonb_build_object('held', p.held, 'released', p.released, 'expired', p.expired, 'committed', p.committed, 'ended', p.ended))
  FROM told t FULL JOIN promised p USING (tenant, order_id, sku, site_id, lot_id)
 WHERE (coalesce(t.held, 0), coalesce(t.released, 0), coalesce(t.expired, 0), coalesce(t.committed, 0), coalesce(t.ended, 0))
    <> (coalesce(p.held, 0), coalesce(p.released, 0), coalesce(p.expired, 0), coalesce(p.committed, 0), coalesce(p.ended, 0))
UNION ALL
SELECT tenant, hold_id, jsonb_build_object('problem', 'due for more than 60 s and not ended', 'expiresAt', expires_at)
  FROM hold WHERE state = 'held' AND expires_at < now() - interval '60 seconds'
UNION ALL
SELECT tenant, order_id || ' ' || line_id, jsonb_build_object('problem', 'quota due for more than 60 s and not ended', 'expiresAt', expires_at)
  FROM quota_hold WHERE state = 'held' AND expires_at < now() - interval '60 seconds'
UNION ALL
SELECT h.tenant, h.hold_id, jsonb_build_object('problem', 'the hold does not fit its order', 'hold', h.state,
         'remaining', h.remaining, 'quantity', h.quantity, 'order', o.state)
  FROM hold h JOIN orders o ON o.tenant = h.tenant AND o.order_id = h.order_id
 WHERE CASE h.state
         WHEN 'held' THEN o.state <> 'awaitingPayment' OR h.remaining <> h.quantity OR h.ended_at IS NOT NULL
         WHEN 'committed' THEN o.state IN ('waiting', 'awaitingPayment', 'expired')
                            OR (h.remaining > 0 AND o.state IN ('cancelled', 'delivered')) OR h.ended_at IS NULL
         ELSE h.remaining > 0 OR h.ended_at IS NULL END
UNION ALL
SELECT q.tenant, q.order_id || ' ' || q.line_id, jsonb_build_object('problem', 'the quota hold does not fit its order',
         'hold', q.state, 'order', o.state)
  FROM quota_hold q JOIN orders o ON o.tenant = q.tenant AND o.order_id = q.order_id
 WHERE CASE q.state
         WHEN 'held' THEN o.state <> 'awaitingPayment'
         WHEN 'committed' THEN o.state IN ('waiting', 'awaitingPayment', 'expired')
                            OR (q.uncommitted_at IS NULL AND o.state IN ('cancelled', 'delivered') AND NOT EXISTS (
                                  SELECT 1 FROM hold h WHERE h.tenant = q.tenant AND h.order_id = q.order_id AND h.line_id = q.line_id))
         ELSE false END;

-- ── 5 · a paid order's units, each in exactly one place; zones and certificates ──
CREATE VIEW check_05_lines WITH (security_invoker = true) AS
WITH paid AS (
  SELECT o.tenant, o.order_id, o.state,
         EXISTS (SELECT 1 FROM attention a WHERE a.tenant = o.tenant AND a.order_id = o.order_id AND a.resolved_at IS NULL) AS parked,
         EXISTS (SELECT 1 FROM refund r WHERE r.tenant = o.tenant AND r.order_id = o.order_id)
           OR EXISTS (SELECT 1 FROM attention a WHERE a.tenant = o.tenant AND a.order_id = o.order_id AND a.reason = 'channelRefund') AS refunded
    FROM orders o WHERE o.state IN ('paid', 'fulfilling', 'delivered')),
committed AS (
  SELECT tenant, order_id, line_id, sku, sum(quantity) AS units FROM hold WHERE state = 'committed'
   GROUP BY tenant, order_id, line_id, sku),
promised AS (
  SELECT tenant, order_id, line_id, sum(quantity) AS units, sum(quantity) FILTER (WHERE uncommitted_at IS NULL) AS standing
    FROM quota_hold WHERE state = 'committed' GROUP BY tenant, order_id, line_id),
content AS (
  SELECT s.tenant, s.shipment_id, s.order_id, s.zone, s.site_id, s.carrier_id, s.leader_id, s.created_at, h.hold_id, h.order_id AS hold_order,
         h.site_id AS hold_site, h.sku, h.state AS hold_state
    FROM shipment s
    JOIN parcel p ON p.tenant = s.tenant AND p.shipment_id = s.shipment_id
    JOIN parcel_lot l ON l.tenant = p.tenant AND l.parcel_id = p.parcel_id
    JOIN hold h ON h.tenant = l.tenant AND h.hold_id = l.hold_id
   WHERE s.state <> 'cancelled')
SELECT d.tenant, d.order_id || ' ' || d.line_id || ' ' || d.sku AS subject,
       jsonb_build_object('problem', CASE WHEN c.units IS NULL THEN 'paid, without goods and not in attention'
         ELSE 'the goods of a paid line are not its recipe' END, 'asked', d.units, 'committed', coalesce(c.units, 0)) AS detail
  FROM paid o JOIN line_demand d USING (tenant, order_id)
  LEFT JOIN committed c USING (tenant, order_id, line_id, sku)
 WHERE d.supply = 'spot' AND c.units IS DISTINCT FROM d.units AND NOT (c.units IS NULL AND o.parked)
UNION ALL
SELECT o.tenant, o.order_id || ' ' || c.line_id || ' ' || c.sku,
       jsonb_build_object('problem', 'goods that the line never asked for', 'committed', c.units)
  FROM paid o JOIN committed c USING (tenant, order_id)
  LEFT JOIN line_demand d USING (tenant, order_id, line_id, sku) WHERE d.units IS NULL
UNION ALL
SELECT o.tenant, o.order_id || ' ' || l.line_id,
       jsonb_build_object('problem', 'a paid presale line without its promise', 'asked', l.quantity, 'promised', coalesce(p.units, 0))
  FROM paid o JOIN order_line l USING (tenant, order_id)
  LEFT JOIN promised p USING (tenant, order_id, line_id)
 WHERE l.supply = 'presale' AND p.units IS DISTINCT FROM l.quantity AND NOT (p.units IS NULL AND o.parked)
UNION ALL
SELECT a.tenant, a.hold_id, jsonb_build_object('problem', 'the plan holds more units than the line has', 'planned', a.planned,
         'gone', a.gone, 'remaining', a.remaining, 'quantity', a.quantity)
  FROM hold_account a WHERE a.unplanned < 0 OR a.cancelled < 0
UNION ALL
SELECT a.tenant, a.hold_id, jsonb_build_object('problem', 'units on no shipment though the order is under way', 'units', a.unplanned)
  FROM hold_account a JOIN paid o USING (tenant, order_id)
 WHERE a.unplanned > 0 AND (o.state = 'delivered' OR (o.state = 'fulfilling' AND NOT o.parked))
UNION ALL
SELECT a.tenant, a.hold_id, jsonb_build_object('problem', 'units were cancelled and nothing was refunded', 'units', a.cancelled)
  FROM hold_account a JOIN paid o USING (tenant, order_id) JOIN order_line l USING (tenant, order_id, line_id)
 -- a free line, or a share of less than a fen, has nothing to give back
 WHERE a.cancelled > 0 AND NOT o.refunded AND NOT o.parked
   AND (l.unit_price_fen * l.quantity - l.discount_fen) * a.cancelled
       >= (SELECT sum(h.quantity) FROM hold h WHERE h.tenant = a.tenant AND h.order_id = a.order_id AND h.line_id = a.line_id
             AND h.state = 'committed')
UNION ALL
SELECT c.tenant, c.shipment_id, jsonb_build_object('problem', 'a shipment holds goods that are not its own', 'hold', c.hold_id,
         'sku', c.sku, 'skuZone', k.zone, 'zone', c.zone, 'holdSite', c.hold_site, 'site', c.site_id, 'holdOrder', c.hold_order)
  FROM content c JOIN sku k ON k.tenant = c.tenant AND k.sku = c.sku
 WHERE c.hold_order <> c.order_id OR c.hold_site <> c.site_id OR c.hold_state <> 'committed'
    OR (k.zone <> c.zone AND c.created_at > coalesce((SELECT n.at FROM setting_change n
          WHERE n.tenant = c.tenant AND n.noun = 'sku' AND n.id = c.sku), '-infinity'))
UNION ALL
SELECT s.tenant, s.shipment_id, jsonb_build_object('problem', 'carried by somebody without the certificate for the zone', 'zone', s.zone,
         'site', s.site_id, 'carrier', s.carrier_id, 'leader', s.leader_id)
  FROM shipment s
  JOIN site i ON i.tenant = s.tenant AND i.site_id = s.site_id
  LEFT JOIN carrier c ON c.tenant = s.tenant AND c.carrier_id = s.carrier_id
  LEFT JOIN leader l ON l.tenant = s.tenant AND l.leader_id = s.leader_id
 WHERE s.state <> 'cancelled'
   AND (NOT s.zone = ANY (i.zones) OR NOT s.zone = ANY (coalesce(c.zones, ARRAY[s.zone]))
        OR (l.leader_id IS NOT NULL AND (s.zone = 'special' OR (s.zone <> 'ambient' AND l.certificate <> 'cold'))))
   AND s.created_at > coalesce((SELECT max(n.at) FROM setting_change n WHERE n.tenant = s.tenant AND (
         (n.noun = 'site' AND n.id = s.site_id) OR (n.noun = 'carrier' AND n.id = s.carrier_id)
         OR (n.noun = 'leader' AND n.id = s.leader_id))), '-infinity');

-- ── 6 · every acknowledged order is there once and whole ────────────────────
CREATE VIEW check_06_orders WITH (security_invoker = true) AS
SELECT tenant, channel || ' ' || external_id AS subject,
       jsonb_build_object('problem', 'one shop order, several orders', 'orders', jsonb_agg(order_id)) AS detail
  FROM orders GROUP BY tenant, channel, external_id HAVING count(*) > 1
UNION ALL
SELECT r.tenant, r.order_id, jsonb_build_object('problem', 'the order is lost: other rows still name it', 'rows', jsonb_agg(r.child))
  FROM order_reference r
 WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.order_id = r.order_id)
 GROUP BY r.tenant, r.order_id
UNION ALL
SELECT o.tenant, o.order_id, jsonb_build_object('problem', 'lines and total do not agree', 'totalFen', o.total_fen,
         'lines', count(l.line_id), 'linesFen', sum(l.unit_price_fen * l.quantity - l.discount_fen))
  FROM orders o LEFT JOIN order_line l ON l.tenant = o.tenant AND l.order_id = o.order_id
 GROUP BY o.tenant, o.order_id
HAVING count(l.line_id) = 0 OR sum(l.unit_price_fen * l.quantity - l.discount_fen) + o.freight_fen <> o.total_fen
UNION ALL
SELECT tenant, order_id, jsonb_build_object('problem', 'the answer kept for repeats is about another order', 'answer', answer ->> 'orderId')
  FROM orders WHERE answer ->> 'orderId' IS DISTINCT FROM order_id
UNION ALL
-- done outbox rows may be cleared away after a day, so only young orders can be asked for theirs
SELECT o.tenant, o.order_id, jsonb_build_object('problem', 'nobody was told to start the order''s workflow')
  FROM orders o
 WHERE o.state IN ('awaitingPayment', 'paid', 'fulfilling') AND o.created_at > now() - interval '1 hour'
   AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.tenant = o.tenant AND b.kind = 'startOrder' AND b.subject = o.order_id);

-- ── 7 · money: paid = captured, refunded = confirmed refunds, never more than was paid ──
CREATE VIEW check_07_money WITH (security_invoker = true) AS
WITH captured AS (
  SELECT tenant, order_id, sum(amount_fen) FILTER (WHERE state IN ('applied', 'late', 'surplus')) AS fen,
         count(*) FILTER (WHERE state = 'applied') AS applied
    FROM payment GROUP BY tenant, order_id),
returned AS (
  SELECT tenant, order_id, sum(r.amount_fen) FILTER (WHERE r.state = 'confirmed') AS confirmed
    FROM refund r JOIN payment p USING (tenant, provider, transaction_id, order_id)
   WHERE p.state IN ('applied', 'late', 'surplus') GROUP BY tenant, order_id)
SELECT o.tenant, o.order_id AS subject, jsonb_build_object('problem', 'the order''s books differ from its payments and refunds',
         'paidFen', o.paid_fen, 'captured', coalesce(c.fen, 0), 'refundedFen', o.refunded_fen, 'confirmed', coalesce(r.confirmed, 0)) AS detail
  FROM orders o LEFT JOIN captured c USING (tenant, order_id) LEFT JOIN returned r USING (tenant, order_id)
 WHERE o.paid_fen <> coalesce(c.fen, 0) OR o.refunded_fen <> coalesce(r.confirmed, 0)
    OR o.refunded_fen < 0 OR o.refunded_fen > o.paid_fen
UNION ALL
SELECT o.tenant, o.order_id, jsonb_build_object('problem', 'state and money do not agree', 'state', o.state, 'paidFen', o.paid_fen,
         'totalFen', o.total_fen, 'appliedPayments', coalesce(c.applied, 0))
  FROM orders o LEFT JOIN captured c USING (tenant, order_id)
 WHERE (o.state IN ('paid', 'fulfilling', 'delivered') AND o.paid_fen < o.total_fen)
    OR (o.state IN ('waiting', 'awaitingPayment', 'expired') AND coalesce(c.applied, 0) > 0)
    OR coalesce(c.applied, 0) > 1
UNION ALL
SELECT p.tenant, p.provider || ' ' || p.transaction_id, jsonb_build_object('problem', 'more refunded than the payment',
         'amountFen', p.amount_fen, 'refunds', sum(r.amount_fen))
  FROM payment p JOIN refund r USING (tenant, provider, transaction_id)
 GROUP BY p.tenant, p.provider, p.transaction_id, p.amount_fen HAVING sum(r.amount_fen) > p.amount_fen
UNION ALL
SELECT r.tenant, r.refund_id, jsonb_build_object('problem', 'the refund and its payment belong to different orders', 'refund', r.order_id, 'payment', p.order_id)
  FROM refund r JOIN payment p USING (tenant, provider, transaction_id) WHERE r.order_id <> p.order_id
UNION ALL
SELECT o.tenant, o.order_id, jsonb_build_object('problem', 'cancelled, nothing sent, and money kept', 'transaction', p.transaction_id,
         'amountFen', p.amount_fen)
  FROM orders o JOIN payment p ON p.tenant = o.tenant AND p.order_id = o.order_id AND p.state = 'applied'
 WHERE o.state = 'cancelled'
   AND p.amount_fen > coalesce((SELECT sum(r.amount_fen) FROM refund r WHERE r.tenant = p.tenant AND r.provider = p.provider
                                   AND r.transaction_id = p.transaction_id), 0)
   AND NOT EXISTS (SELECT 1 FROM shipment s WHERE s.tenant = o.tenant AND s.order_id = o.order_id AND s.state <> 'cancelled')
UNION ALL
SELECT p.tenant, p.provider || ' ' || p.transaction_id, jsonb_build_object('problem', 'parked money that nobody is shown', 'amountFen', p.amount_fen)
  FROM payment p
 WHERE p.state IN ('parked', 'settled') AND NOT EXISTS (SELECT 1 FROM attention a WHERE a.tenant = p.tenant
         AND (a.order_id = p.order_id OR strpos(a.subject, p.transaction_id) > 0)
         AND (a.resolved_at IS NULL OR p.state = 'settled'))
   AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.tenant = p.tenant AND r.provider = p.provider AND r.transaction_id = p.transaction_id);

-- ── 8 · late and surplus money is decided within 60 s, one way only ─────────
CREATE VIEW check_08_late_money WITH (security_invoker = true) AS
WITH unowed AS (
  SELECT p.tenant, p.provider, p.transaction_id, p.order_id, p.amount_fen, p.state, p.received_at, o.state AS order_state, o.late_outcome,
         coalesce((SELECT sum(r.amount_fen) FROM refund r WHERE r.tenant = p.tenant AND r.provider = p.provider
                    AND r.transaction_id = p.transaction_id), 0) AS refunds,
         EXISTS (SELECT 1 FROM attention a WHERE a.tenant = p.tenant AND a.order_id = p.order_id AND a.reason = 'channelRefund') AS asked_channel
    FROM payment p JOIN orders o ON o.tenant = p.tenant AND o.order_id = p.order_id
   WHERE p.state IN ('late', 'surplus'))
SELECT tenant, provider || ' ' || transaction_id AS subject,
       jsonb_build_object('problem', 'money that came too late is not decided', 'order', order_id, 'state', state, 'receivedAt', received_at) AS detail
  FROM unowed
 WHERE refunds < amount_fen AND NOT asked_channel AND received_at < now() - interval '60 seconds'
UNION ALL
SELECT o.tenant, o.order_id, jsonb_build_object('problem', 'late money was decided in two ways', 'lateOutcome', o.late_outcome, 'state', o.state, 'run', o.run)
  FROM orders o
 WHERE (o.late_outcome IS NULL) <> (o.late_at IS NULL)
    OR (o.late_outcome = 'refunded' AND o.state IN ('paid', 'fulfilling', 'delivered'))
    OR (o.late_outcome IN ('reheld', 'repromised') AND o.state = 'expired')
    OR (o.late_outcome = 'reheld' AND o.run < 2);

-- ── 9 · orders, holds and shipments only where their graphs lead ────────────
CREATE VIEW check_09_graphs WITH (security_invoker = true) AS
WITH ranks AS (
  SELECT kind, rank FROM unnest(ARRAY['planned', 'booked', 'picking', 'packed', 'pickedUp', 'inTransit', 'atPickupPoint',
    'failed', 'delivered', 'returned']) WITH ORDINALITY AS r(kind, rank)),
seen AS (
  SELECT e.tenant, e.shipment_id, max(r.rank) AS rank FROM shipment_event e JOIN ranks r USING (kind) GROUP BY e.tenant, e.shipment_id),
progress AS (
  SELECT s.tenant, s.order_id, count(*) FILTER (WHERE s.state NOT IN ('delivered', 'returned', 'cancelled')) AS open,
         count(*) FILTER (WHERE s.state <> 'cancelled') AS live, max(s.ended_at) AS ended_at
    FROM shipment s GROUP BY s.tenant, s.order_id)
SELECT tenant, order_id AS subject, jsonb_build_object('problem', 'state and times do not agree', 'state', state, 'paidAt', paid_at, 'endedAt', ended_at) AS detail
  FROM orders
 WHERE (state IN ('paid', 'fulfilling', 'delivered') AND paid_at IS NULL)
    OR (state IN ('waiting', 'awaitingPayment', 'expired') AND paid_at IS NOT NULL)
    OR (state IN ('delivered', 'cancelled', 'expired') AND ended_at IS NULL)
    OR (state IN ('waiting', 'awaitingPayment', 'paid', 'fulfilling') AND ended_at IS NOT NULL)
    OR paid_at < created_at - interval '1 hour' OR ended_at < created_at - interval '1 hour'
UNION ALL
SELECT tenant, order_id, jsonb_build_object('problem', 'unpaid and past its end for more than 60 s', 'expiresAt', expires_at)
  FROM orders WHERE state = 'awaitingPayment' AND expires_at < now() - interval '60 seconds'
UNION ALL
SELECT o.tenant, o.order_id, jsonb_build_object('problem', 'the order''s state is not that of its shipments', 'state', o.state,
         'live', coalesce(p.live, 0), 'open', coalesce(p.open, 0))
  FROM orders o LEFT JOIN progress p USING (tenant, order_id)
 WHERE (o.state = 'delivered' AND coalesce(p.open, 0) > 0)
    OR (o.state IN ('waiting', 'awaitingPayment', 'expired') AND coalesce(p.live, 0) > 0)
    OR (o.state = 'paid' AND coalesce(p.live, 0) > 0)
    OR (o.state = 'cancelled' AND coalesce(p.open, 0) > 0)
UNION ALL
SELECT o.tenant, o.order_id, jsonb_build_object('problem', 'everything is delivered, returned or cancelled and the order goes on')
  FROM orders o JOIN progress p USING (tenant, order_id)
 WHERE o.state = 'fulfilling' AND p.open = 0
   AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.tenant = o.tenant AND h.order_id = o.order_id AND h.remaining > 0)
   AND NOT EXISTS (SELECT 1 FROM quota_hold q WHERE q.tenant = o.tenant AND q.order_id = o.order_id
                     AND q.state = 'committed' AND q.uncommitted_at IS NULL)
   AND NOT EXISTS (SELECT 1 FROM attention a WHERE a.tenant = o.tenant AND a.order_id = o.order_id AND a.resolved_at IS NULL)
UNION ALL
SELECT s.tenant, s.shipment_id, jsonb_build_object('problem', 'the state is not the highest rank seen', 'state', s.state, 'seen',
         (SELECT r.kind FROM ranks r WHERE r.rank = e.rank), 'bookedAt', s.booked_at)
  FROM shipment s LEFT JOIN seen e USING (tenant, shipment_id) JOIN ranks r ON r.kind = s.state
 WHERE r.rank <> greatest(coalesce(e.rank, 1), CASE WHEN s.booked_at IS NULL THEN 1 ELSE 2 END)
UNION ALL
SELECT tenant, shipment_id, jsonb_build_object('problem', 'state and times do not agree', 'state', state, 'deliveredAt', delivered_at, 'endedAt', ended_at)
  FROM shipment
 WHERE (state = 'delivered' AND delivered_at IS NULL)
    OR (state IN ('delivered', 'returned', 'cancelled')) <> (ended_at IS NOT NULL)
UNION ALL
SELECT e.tenant, e.source || ' ' || e.event_id, jsonb_build_object('problem', 'an event of no rank', 'kind', e.kind)
  FROM shipment_event e WHERE e.kind NOT IN (SELECT kind FROM ranks);

-- ── 11 · a row's tenant is its parent's: ids of orders and shipments are unique across tenants ──
CREATE VIEW check_11_tenants WITH (security_invoker = true) AS
SELECT r.tenant, r.order_id AS subject, jsonb_build_object('problem', 'the order belongs to another tenant', 'rows', r.child, 'owner', o.tenant) AS detail
  FROM order_reference r JOIN orders o ON o.order_id = r.order_id
 WHERE o.tenant <> r.tenant
   AND NOT EXISTS (SELECT 1 FROM orders own WHERE own.tenant = r.tenant AND own.order_id = r.order_id)
UNION ALL
SELECT p.tenant, p.parcel_id, jsonb_build_object('problem', 'the shipment belongs to another tenant', 'owner', s.tenant)
  FROM parcel p JOIN shipment s ON s.shipment_id = p.shipment_id
 WHERE s.tenant <> p.tenant AND NOT EXISTS (SELECT 1 FROM shipment own WHERE own.tenant = p.tenant AND own.shipment_id = p.shipment_id)
UNION ALL
SELECT l.tenant, l.parcel_id, jsonb_build_object('problem', 'the hold belongs to another tenant', 'owner', h.tenant)
  FROM parcel_lot l JOIN hold h ON h.hold_id = l.hold_id
 WHERE h.tenant <> l.tenant AND NOT EXISTS (SELECT 1 FROM hold own WHERE own.tenant = l.tenant AND own.hold_id = l.hold_id)
UNION ALL
SELECT e.tenant, e.source || ' ' || e.event_id, jsonb_build_object('problem', 'the shipment belongs to another tenant', 'owner', s.tenant)
  FROM shipment_event e JOIN shipment s ON s.shipment_id = e.shipment_id
 WHERE s.tenant <> e.tenant AND NOT EXISTS (SELECT 1 FROM shipment own WHERE own.tenant = e.tenant AND own.shipment_id = e.shipment_id)
UNION ALL
SELECT h.tenant, h.hold_id, jsonb_build_object('problem', 'held from a balance that the tenant does not have', 'sku', h.sku, 'site', h.site_id)
  FROM hold h WHERE NOT EXISTS (SELECT 1 FROM stock_balance b WHERE b.tenant = h.tenant AND b.sku = h.sku
                                  AND b.site_id = h.site_id AND b.lot_id = h.lot_id)
UNION ALL
SELECT m.tenant, m.batch_id::text, jsonb_build_object('problem', 'a movement of a balance that the tenant does not have', 'sku', m.sku, 'site', m.site_id)
  FROM stock_movement m WHERE NOT EXISTS (SELECT 1 FROM stock_balance b WHERE b.tenant = m.tenant AND b.sku = m.sku
                                            AND b.site_id = m.site_id AND b.lot_id = m.lot_id);

-- ── 13 · demand is summed: what stands for an order is what its lines ask for ──
CREATE VIEW check_13_demand WITH (security_invoker = true) AS
WITH demand AS (
  SELECT tenant, order_id, sku, sum(units) AS units FROM line_demand WHERE supply = 'spot' GROUP BY tenant, order_id, sku),
standing AS (
  SELECT h.tenant, h.order_id, h.sku, sum(h.quantity) AS units
    FROM hold h JOIN order_line l USING (tenant, order_id, line_id)
   WHERE h.state IN ('held', 'committed') AND l.supply = 'spot' GROUP BY h.tenant, h.order_id, h.sku),
quota_demand AS (
  SELECT tenant, order_id, campaign_id, sum(quantity) AS units FROM order_line WHERE supply = 'presale' GROUP BY tenant, order_id, campaign_id),
quota_standing AS (
  SELECT tenant, order_id, campaign_id, sum(quantity) AS units FROM quota_hold WHERE state IN ('held', 'committed')
   GROUP BY tenant, order_id, campaign_id),
open AS (
  SELECT o.tenant, o.order_id, o.state,
         EXISTS (SELECT 1 FROM attention a WHERE a.tenant = o.tenant AND a.order_id = o.order_id AND a.resolved_at IS NULL) AS parked
    -- of an order that is due its holds may be expired one by one, as intake needs the units
    FROM orders o WHERE o.state IN ('paid', 'fulfilling', 'delivered') OR (o.state = 'awaitingPayment' AND o.expires_at > now()))
SELECT o.tenant, o.order_id || ' ' || sku AS subject,
       jsonb_build_object('problem', 'the order''s holds are not its summed demand', 'asked', coalesce(d.units, 0), 'standing', coalesce(s.units, 0)) AS detail
  FROM (demand d FULL JOIN standing s USING (tenant, order_id, sku)) JOIN open o USING (tenant, order_id)
 WHERE coalesce(d.units, 0) <> coalesce(s.units, 0) AND NOT (s.units IS NULL AND o.parked)
UNION ALL
SELECT o.tenant, o.order_id || ' ' || campaign_id,
       jsonb_build_object('problem', 'the order''s quota is not its summed demand', 'asked', coalesce(d.units, 0), 'standing', coalesce(s.units, 0))
  FROM (quota_demand d FULL JOIN quota_standing s USING (tenant, order_id, campaign_id)) JOIN open o USING (tenant, order_id)
 WHERE coalesce(d.units, 0) <> coalesce(s.units, 0) AND NOT (s.units IS NULL AND o.parked);

-- ── 14 · enough life on the day of the hand-over, by the rule of the time ───
CREATE VIEW check_14_life WITH (security_invoker = true) AS
WITH promised AS (
  SELECT h.tenant, h.hold_id, 'hold' AS what, h.sku, h.lot_id, h.hand_over_on, h.created_at
    FROM hold h WHERE h.state IN ('held', 'committed')
  UNION ALL
  SELECT s.tenant, h.hold_id, s.shipment_id, h.sku, h.lot_id, s.hand_over_on, s.created_at
    FROM shipment s
    JOIN parcel p ON p.tenant = s.tenant AND p.shipment_id = s.shipment_id
    JOIN parcel_lot pl ON pl.tenant = p.tenant AND pl.parcel_id = p.parcel_id
    JOIN hold h ON h.tenant = pl.tenant AND h.hold_id = pl.hold_id
   WHERE s.state <> 'cancelled')
SELECT h.tenant, h.hold_id AS subject, jsonb_build_object('problem', 'less life left than promised', 'of', h.what, 'handOverOn',
         h.hand_over_on, 'expiresOn', l.expires_on, 'minimumDays', coalesce(k.minimum_remaining_life_days, c.minimum_remaining_life_days, 0)) AS detail
  FROM promised h
  JOIN lot l ON l.tenant = h.tenant AND l.sku = h.sku AND l.lot_id = h.lot_id
  JOIN sku k ON k.tenant = h.tenant AND k.sku = h.sku
  LEFT JOIN category c ON c.tenant = k.tenant AND c.category = k.category
 WHERE l.expires_on - h.hand_over_on < coalesce(k.minimum_remaining_life_days, c.minimum_remaining_life_days, 0)
   AND h.created_at > coalesce((SELECT max(n.at) FROM setting_change n WHERE n.tenant = h.tenant
         AND ((n.noun = 'sku' AND n.id = h.sku) OR (n.noun = 'category' AND n.id = k.category))), '-infinity') + interval '5 seconds';

-- ── 15 · litres of a point are those of its standing orders ─────────────────
CREATE VIEW check_15_capacity WITH (security_invoker = true) AS
SELECT tenant, pickup_point_id || ' ' || zone AS subject,
       jsonb_build_object('problem', 'the point''s load is not that of its orders', 'millilitres', p.millilitres, 'ofOrders', coalesce(h.millilitres, 0)) AS detail
  FROM point_load p
  FULL JOIN (SELECT tenant, pickup_point_id, zone, sum(millilitres) AS millilitres FROM capacity_hold WHERE released_at IS NULL
              GROUP BY tenant, pickup_point_id, zone) h USING (tenant, pickup_point_id, zone)
 WHERE coalesce(p.millilitres, 0) <> coalesce(h.millilitres, 0);

-- ── what each check looked at ───────────────────────────────────────────────
CREATE VIEW check_rows WITH (security_invoker = true) AS
SELECT 1 AS invariant, count(*) AS rows_seen FROM stock_balance
UNION ALL SELECT 2, (SELECT count(*) FROM stock_movement) + (SELECT count(*) FROM stock_seal)
UNION ALL SELECT 3, (SELECT count(*) FROM stock_movement) + (SELECT count(*) FROM presale_quota)
UNION ALL SELECT 4, (SELECT count(*) FROM hold) + (SELECT count(*) FROM quota_hold)
UNION ALL SELECT 5, (SELECT count(*) FROM order_line l JOIN orders o USING (tenant, order_id) WHERE o.state IN ('paid', 'fulfilling', 'delivered'))
UNION ALL SELECT 6, (SELECT count(*) FROM orders)
UNION ALL SELECT 7, (SELECT count(*) FROM orders) + (SELECT count(*) FROM payment) + (SELECT count(*) FROM refund)
UNION ALL SELECT 8, (SELECT count(*) FROM payment)
UNION ALL SELECT 9, (SELECT count(*) FROM orders) + (SELECT count(*) FROM shipment)
UNION ALL SELECT 11, (SELECT count(*) FROM order_reference)
UNION ALL SELECT 13, (SELECT count(*) FROM line_demand) + (SELECT count(*) FROM quota_hold)
UNION ALL SELECT 14, (SELECT count(*) FROM hold)
UNION ALL SELECT 15, (SELECT count(*) FROM point_load);

-- Tables that the checker cannot see whole: no row may ever stand here, else its silence means nothing.
CREATE VIEW check_blind_spots AS
SELECT c.relname::text AS table_name
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
   AND (NOT has_table_privilege('xianda_checker', c.oid, 'SELECT')
        OR (c.relrowsecurity AND NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive
              AND p.polcmd IN ('r', '*') AND pg_get_expr(p.polqual, p.polrelid) = 'true'
              AND (SELECT r.oid FROM pg_roles r WHERE r.rolname = 'xianda_checker') = ANY (p.polroles))));

DO $$
DECLARE view_name text;
BEGIN
  FOR view_name IN
    SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'v'
       AND (c.relname LIKE 'check\_%' OR c.relname IN ('line_demand', 'hold_account', 'order_reference'))
  LOOP
    EXECUTE format('GRANT SELECT ON %I TO xianda_checker', view_name);
  END LOOP;
END $$;
