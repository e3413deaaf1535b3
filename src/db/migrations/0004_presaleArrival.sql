-- Up Migration
-- Presale arrival (decisions 0015 to 0017): what has come for a campaign is reserved for it, becomes the goods of its
-- paid orders in the order of their promises, and what is missing is offered to be decided by the buyer.

-- ── the promise of a presale line ───────────────────────────────────────────
-- The day promised when the units were sold; a later one only with the buyer's consent. The campaign's own dates may
-- change meanwhile and break nobody's promise.
ALTER TABLE quota_hold ADD COLUMN promised_on date;
-- forced row-level security binds the owner too, who would see no row to fill in
ALTER TABLE quota_hold NO FORCE ROW LEVEL SECURITY;
ALTER TABLE presale_campaign NO FORCE ROW LEVEL SECURITY;
UPDATE quota_hold q SET promised_on = c.deliver_by
  FROM presale_campaign c WHERE c.tenant = q.tenant AND c.campaign_id = q.campaign_id;
ALTER TABLE quota_hold FORCE ROW LEVEL SECURITY;
ALTER TABLE presale_campaign FORCE ROW LEVEL SECURITY;
ALTER TABLE quota_hold ALTER COLUMN promised_on SET NOT NULL;
CREATE INDEX quota_hold_waiting ON quota_hold (tenant, campaign_id, promised_on)
  WHERE state = 'committed' AND uncommitted_at IS NULL;

-- ── what has come for a campaign and is not yet anybody's ───────────────────
-- The units are part of the balance's `held`: no order can take them. A row per lot, so that lots go first expired
-- first out and a cancelled order's goods find their way back.
CREATE TABLE campaign_reserve (
  tenant text NOT NULL,
  campaign_id text NOT NULL,
  sku text NOT NULL,
  site_id text NOT NULL,
  lot_id text NOT NULL,
  units bigint NOT NULL,
  PRIMARY KEY (tenant, campaign_id, sku, site_id, lot_id),
  FOREIGN KEY (tenant, campaign_id) REFERENCES presale_campaign,
  FOREIGN KEY (tenant, sku, site_id, lot_id) REFERENCES stock_balance,
  CONSTRAINT i3_reserve CHECK (units >= 0)
);
CREATE INDEX campaign_reserve_standing ON campaign_reserve (tenant, campaign_id) WHERE units > 0;

ALTER TABLE stock_movement DROP CONSTRAINT movement_shape, ADD CONSTRAINT movement_shape CHECK (CASE kind
    WHEN 'received'    THEN on_hand > 0 AND held = 0 AND committed = 0 AND quarantined = 0
    WHEN 'held'        THEN on_hand = 0 AND held > 0 AND committed = 0 AND quarantined = 0
    WHEN 'released'    THEN on_hand = 0 AND held < 0 AND committed = 0 AND quarantined = 0
    WHEN 'expired'     THEN on_hand = 0 AND held < 0 AND committed = 0 AND quarantined = 0
    WHEN 'committed'   THEN on_hand = 0 AND held < 0 AND committed = -held AND quarantined = 0
    WHEN 'uncommitted' THEN on_hand = 0 AND held = 0 AND committed < 0 AND quarantined = 0
    WHEN 'pickedUp'    THEN on_hand < 0 AND held = 0 AND committed = on_hand AND quarantined = 0
    WHEN 'reserved'    THEN on_hand = 0 AND held > 0 AND committed = 0 AND quarantined = 0
    WHEN 'unreserved'  THEN on_hand = 0 AND held < 0 AND committed = 0 AND quarantined = 0
    WHEN 'converted'   THEN on_hand = 0 AND held < 0 AND committed = -held AND quarantined = 0
    ELSE false END);

-- ── offers: what the buyer may choose when the goods have not come ──────────
-- Of one line two offers stand at a time, a later date and the money back; each is made once for each promised day.
CREATE TABLE offer (
  tenant text NOT NULL,
  offer_id text NOT NULL,
  order_id text NOT NULL,
  line_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('laterDate', 'refund')),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'declined', 'lapsed', 'withdrawn')),
  -- the promise that is in danger
  promised_on date NOT NULL,
  -- of a later date: the day that is offered
  deliver_on date,
  -- of a refund: what would go back
  amount_fen bigint,
  until timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  ended_by text,
  PRIMARY KEY (tenant, offer_id),
  UNIQUE (tenant, order_id, line_id, promised_on, kind),
  FOREIGN KEY (tenant, order_id, line_id) REFERENCES order_line,
  CHECK ((state = 'open') = (ended_at IS NULL)),
  CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
  CHECK ((kind = 'laterDate') = (deliver_on IS NOT NULL)),
  CHECK ((kind = 'refund') = (amount_fen IS NOT NULL)),
  CHECK (deliver_on > promised_on),
  CHECK (amount_fen >= 0)
);
CREATE INDEX offer_due ON offer (tenant, until) WHERE state = 'open';
CREATE TRIGGER declared_graph BEFORE UPDATE OF state ON offer FOR EACH ROW EXECUTE FUNCTION refuse_other_steps(
  'open>accepted', 'open>declined', 'open>lapsed', 'open>withdrawn');

ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check, ADD CONSTRAINT outbox_kind_check CHECK (kind IN (
  'startOrder', 'signalOrder', 'startMoney', 'startRefund', 'signalRefund', 'wakeWebhook', 'startConversion'));

-- ── access ──────────────────────────────────────────────────────────────────
DO $$
DECLARE table_name text;
BEGIN
  FOREACH table_name IN ARRAY ARRAY['campaign_reserve', 'offer'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
    EXECUTE format('CREATE POLICY own_tenant ON %I USING (tenant = current_tenant()) WITH CHECK (tenant = current_tenant())', table_name);
    EXECUTE format('CREATE POLICY checker_reads_all ON %I FOR SELECT TO xianda_checker USING (true)', table_name);
    EXECUTE format('CREATE POLICY dispatch_reads_all ON %I FOR SELECT TO xianda_dispatch USING (true)', table_name);
    EXECUTE format('GRANT SELECT ON %I TO xianda_checker, xianda_dispatch', table_name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO xianda_app', table_name);
  END LOOP;
END $$;

-- ── the doctor's checks ─────────────────────────────────────────────────────
-- 4: what campaigns have reserved is held, and what is converted is told once.
CREATE OR REPLACE VIEW check_04_holds WITH (security_invoker = true) AS
WITH standing AS (
  SELECT tenant, sku, site_id, lot_id, sum(remaining) FILTER (WHERE state = 'held') AS held,
         sum(remaining) FILTER (WHERE state = 'committed') AS committed
    FROM hold GROUP BY tenant, sku, site_id, lot_id),
reserved AS (
  SELECT tenant, sku, site_id, lot_id, sum(units) AS units FROM campaign_reserve GROUP BY tenant, sku, site_id, lot_id),
told AS (
  SELECT m.tenant, coalesce(s.order_id, m.cause_id) AS order_id, m.sku, m.site_id, m.lot_id,
         -- converted goods were held by the campaign; to their order they come held and committed at once
         sum(abs(m.held)) FILTER (WHERE m.kind IN ('held', 'converted')) AS held,
         -sum(m.held) FILTER (WHERE m.kind = 'released') AS released,
         -sum(m.held) FILTER (WHERE m.kind = 'expired') AS expired,
         sum(m.committed) FILTER (WHERE m.kind IN ('committed', 'converted')) AS committed,
         -sum(m.committed) FILTER (WHERE m.kind IN ('uncommitted', 'pickedUp')) AS ended
    FROM stock_movement m
    LEFT JOIN shipment s ON m.cause_kind = 'shipment' AND s.tenant = m.tenant AND s.shipment_id = m.cause_id
   WHERE m.kind IN ('held', 'released', 'expired', 'committed', 'uncommitted', 'pickedUp', 'converted')
   GROUP BY m.tenant, coalesce(s.order_id, m.cause_id), m.sku, m.site_id, m.lot_id),
promised AS (
  SELECT tenant, order_id, sku, site_id, lot_id, sum(quantity) AS held,
         sum(quantity) FILTER (WHERE state = 'released') AS released,
         sum(quantity) FILTER (WHERE state = 'expired') AS expired,
         sum(quantity) FILTER (WHERE state = 'committed') AS committed,
         sum(quantity - remaining) FILTER (WHERE state = 'committed') AS ended
    FROM hold GROUP BY tenant, order_id, sku, site_id, lot_id)
SELECT tenant, sku || ' ' || site_id || ' ' || lot_id AS subject,
       jsonb_build_object('problem', 'units held are not the units of open holds and campaigns', 'held', b.held, 'heldByOrders',
         coalesce(s.held, 0), 'reserved', coalesce(r.units, 0), 'committed', b.committed, 'committedByOrders', coalesce(s.committed, 0)) AS detail
  FROM stock_balance b FULL JOIN standing s USING (tenant, sku, site_id, lot_id)
  LEFT JOIN reserved r USING (tenant, sku, site_id, lot_id)
 WHERE coalesce(b.held, 0) <> coalesce(s.held, 0) + coalesce(r.units, 0) OR coalesce(b.committed, 0) <> coalesce(s.committed, 0)
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

-- 5: presale goods that have just come to an order under way have ten minutes to be planned.
CREATE OR REPLACE VIEW check_05_lines WITH (security_invoker = true) AS
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
   -- presale goods that have just come to an order under way are planned when its workflow has heard of them
   AND NOT EXISTS (SELECT 1 FROM hold h JOIN order_line l USING (tenant, order_id, line_id)
                    WHERE h.tenant = a.tenant AND h.hold_id = a.hold_id AND l.supply = 'presale'
                      AND h.created_at > now() - interval '10 minutes')
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

-- 9: a converted line no longer keeps its order open.
CREATE OR REPLACE VIEW check_09_graphs WITH (security_invoker = true) AS
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
                     AND q.state = 'committed' AND q.uncommitted_at IS NULL AND NOT EXISTS (
                       SELECT 1 FROM hold h WHERE h.tenant = q.tenant AND h.order_id = q.order_id AND h.line_id = q.line_id))
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

-- ── 3 · presale: goods come to an order only from its campaign's reserve, and to the shelf only after all are served ──
CREATE VIEW check_03_presale WITH (security_invoker = true) AS
WITH told AS (
  SELECT tenant, cause_id AS campaign_id, sku, site_id, lot_id, sum(held) AS units
    FROM stock_movement WHERE cause_kind = 'campaign' GROUP BY tenant, cause_id, sku, site_id, lot_id),
goods AS (
  SELECT h.tenant, h.order_id, l.campaign_id, h.sku, h.site_id, h.lot_id, sum(h.quantity) AS units
    FROM hold h JOIN order_line l USING (tenant, order_id, line_id)
   WHERE l.supply = 'presale' AND h.state IN ('held', 'committed')
   GROUP BY h.tenant, h.order_id, l.campaign_id, h.sku, h.site_id, h.lot_id),
taken AS (
  SELECT tenant, campaign_id, sku, site_id, lot_id, sum(units) AS units FROM goods GROUP BY tenant, campaign_id, sku, site_id, lot_id),
converted AS (
  SELECT tenant, cause_id AS order_id, sku, site_id, lot_id, sum(committed) AS units
    FROM stock_movement WHERE kind = 'converted' GROUP BY tenant, cause_id, sku, site_id, lot_id),
needed AS (
  SELECT tenant, order_id, sku, site_id, lot_id, sum(units) AS units FROM goods GROUP BY tenant, order_id, sku, site_id, lot_id)
SELECT tenant, campaign_id || ' ' || sku || ' ' || site_id || ' ' || lot_id AS subject,
       jsonb_build_object('problem', 'a campaign''s reserve is not what came for it less what its orders took',
         'reserved', coalesce(r.units, 0), 'came', coalesce(t.units, 0), 'taken', coalesce(k.units, 0)) AS detail
  FROM campaign_reserve r FULL JOIN told t USING (tenant, campaign_id, sku, site_id, lot_id)
  FULL JOIN taken k USING (tenant, campaign_id, sku, site_id, lot_id)
 WHERE coalesce(r.units, 0) <> coalesce(t.units, 0) - coalesce(k.units, 0)
UNION ALL
SELECT tenant, order_id || ' ' || sku || ' ' || site_id || ' ' || lot_id,
       jsonb_build_object('problem', 'a presale line has goods that were not converted for it, or the other way round',
         'converted', coalesce(c.units, 0), 'goods', coalesce(n.units, 0))
  FROM converted c FULL JOIN needed n USING (tenant, order_id, sku, site_id, lot_id)
 WHERE coalesce(c.units, 0) <> coalesce(n.units, 0)
UNION ALL
-- judged by what stood at that instant, for the wait may be over since
SELECT m.tenant, m.cause_id, jsonb_build_object('problem', 'goods went to the shelf while a buyer waited for them', 'at', m.at,
         'order', q.order_id, 'line', q.line_id)
  FROM stock_movement m JOIN quota_hold q ON q.tenant = m.tenant AND q.campaign_id = m.cause_id
 WHERE m.kind = 'unreserved' AND q.created_at < m.at AND coalesce(q.uncommitted_at, 'infinity') > m.at
   AND (q.ended_at IS NULL OR q.ended_at > m.at OR q.state = 'committed')
   AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.tenant = q.tenant AND h.order_id = q.order_id AND h.line_id = q.line_id
                      AND h.created_at < m.at);

-- ── 5 · a converted line has its whole recipe; one that was given up was paid back ──
CREATE VIEW check_05_presale WITH (security_invoker = true) AS
WITH goods AS (
  SELECT tenant, order_id, line_id, sku, sum(quantity) AS units FROM hold WHERE state = 'committed'
   GROUP BY tenant, order_id, line_id, sku)
SELECT d.tenant, d.order_id || ' ' || d.line_id || ' ' || d.sku AS subject,
       jsonb_build_object('problem', 'the goods of a converted line are not its recipe', 'asked', d.units, 'committed', coalesce(g.units, 0)) AS detail
  FROM line_demand d LEFT JOIN goods g USING (tenant, order_id, line_id, sku)
 WHERE d.supply = 'presale' AND g.units IS DISTINCT FROM d.units
   AND EXISTS (SELECT 1 FROM goods part WHERE part.tenant = d.tenant AND part.order_id = d.order_id AND part.line_id = d.line_id)
UNION ALL
SELECT o.tenant, o.order_id || ' ' || q.line_id, jsonb_build_object('problem', 'a presale line was given up and nothing was refunded',
         'units', q.quantity)
  FROM quota_hold q JOIN orders o USING (tenant, order_id) JOIN order_line l USING (tenant, order_id, line_id)
 WHERE q.uncommitted_at IS NOT NULL AND o.state IN ('paid', 'fulfilling', 'delivered')
   AND l.unit_price_fen * l.quantity > l.discount_fen
   AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.tenant = o.tenant AND r.order_id = o.order_id);

-- ── 8 · an offer ends once: by its answer, its timer, or because there is nothing more to decide ──
CREATE VIEW check_08_offers WITH (security_invoker = true) AS
WITH line AS (
  SELECT f.*, o.state AS order_state, q.uncommitted_at, q.promised_on AS promised_now,
         q.order_id IS NOT NULL AND q.uncommitted_at IS NULL AND NOT EXISTS (
           SELECT 1 FROM hold h WHERE h.tenant = f.tenant AND h.order_id = f.order_id AND h.line_id = f.line_id) AS waits
    FROM offer f JOIN orders o USING (tenant, order_id)
    LEFT JOIN quota_hold q ON q.tenant = f.tenant AND q.order_id = f.order_id AND q.line_id = f.line_id AND q.state = 'committed')
SELECT tenant, offer_id AS subject, jsonb_build_object('problem', 'an offer is past its end for more than 60 s', 'until', until) AS detail
  FROM line WHERE state = 'open' AND until < now() - interval '60 seconds'
UNION ALL
SELECT tenant, offer_id, jsonb_build_object('problem', 'an offer stands although there is nothing left to decide', 'order', order_id, 'orderState', order_state)
  FROM line WHERE state = 'open' AND (NOT waits OR order_state NOT IN ('paid', 'fulfilling'))
UNION ALL
SELECT tenant, offer_id, jsonb_build_object('problem', 'the money back was agreed and the line still stands', 'order', order_id)
  FROM line WHERE kind = 'refund' AND state IN ('accepted', 'lapsed') AND uncommitted_at IS NULL
UNION ALL
SELECT tenant, offer_id, jsonb_build_object('problem', 'a later date was agreed and the promise has not moved', 'order', order_id)
  FROM line WHERE kind = 'laterDate' AND state = 'accepted' AND promised_now < deliver_on
UNION ALL
SELECT tenant, order_id || ' ' || line_id, jsonb_build_object('problem', 'one promise was decided in two ways', 'promisedOn', promised_on)
  FROM line WHERE state = 'accepted' OR (kind = 'refund' AND state = 'lapsed')
 GROUP BY tenant, order_id, line_id, promised_on HAVING count(*) > 1;

-- ── 11 · an offer belongs to its order's tenant ─────────────────────────────
CREATE VIEW check_11_offers WITH (security_invoker = true) AS
SELECT f.tenant, f.offer_id AS subject, jsonb_build_object('problem', 'the order belongs to another tenant', 'owner', o.tenant) AS detail
  FROM offer f JOIN orders o ON o.order_id = f.order_id
 WHERE o.tenant <> f.tenant AND NOT EXISTS (SELECT 1 FROM orders own WHERE own.tenant = f.tenant AND own.order_id = f.order_id);

GRANT SELECT ON check_03_presale, check_05_presale, check_08_offers, check_11_offers TO xianda_checker;
