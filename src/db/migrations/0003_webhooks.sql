-- Up Migration
-- What the house tells the outside: events, who wants them, and the log of every delivery.

-- ── events ──────────────────────────────────────────────────────────────────
-- Written in the transaction that made them true. Transactions commit out of order, so the place in the feed is
-- given afterwards, by one publisher at a time per tenant; until then an order's event holds only the detail of
-- its timeline row, and the publisher adds what the order's rows say.
CREATE TABLE event (
  tenant text NOT NULL REFERENCES tenant,
  -- also the webhook-id, which may hold no full stop
  event_id text NOT NULL DEFAULT 'e' || replace(gen_random_uuid()::text, '-', '') CHECK (event_id ~ '^[A-Za-z0-9_-]{1,64}$'),
  ordinal bigint GENERATED ALWAYS AS IDENTITY,
  type text NOT NULL,
  subject text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- whose it is: the channel of an order, the supplier of a forecast
  channel text,
  supplier_id text,
  data jsonb NOT NULL,
  position bigint CHECK (position >= 1),
  published_at timestamptz,
  PRIMARY KEY (tenant, event_id),
  FOREIGN KEY (tenant, supplier_id) REFERENCES supplier,
  CHECK ((position IS NULL) = (published_at IS NULL))
);
CREATE UNIQUE INDEX event_feed ON event (tenant, position) WHERE position IS NOT NULL;
CREATE INDEX event_unpublished ON event (tenant, ordinal) WHERE position IS NULL;

-- Which lines of an order's timeline are told to the outside, and under which name. The data of each type stands in
-- src/domain/event/model.ts, and a test holds both lists against each other.
CREATE FUNCTION outbound_type(kind text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE kind
    WHEN 'placed' THEN 'order.placed'
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
  END
$$;

CREATE FUNCTION emit_order_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO event (tenant, type, subject, at, data)
    SELECT tenant, outbound_type(kind), order_id, at, coalesce(detail, '{}')
      FROM told WHERE outbound_type(kind) IS NOT NULL ORDER BY event_id;
  RETURN NULL;
END $$;
CREATE TRIGGER emit_order_events AFTER INSERT ON order_event
  REFERENCING NEW TABLE AS told FOR EACH STATEMENT EXECUTE FUNCTION emit_order_events();

CREATE FUNCTION refuse_change_of_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'I16 a published event never changes' USING ERRCODE = 'integrity_constraint_violation'; END $$;
CREATE TRIGGER published_stands BEFORE UPDATE ON event FOR EACH ROW WHEN (OLD.position IS NOT NULL)
  EXECUTE FUNCTION refuse_change_of_published();

-- ── who wants them ──────────────────────────────────────────────────────────
CREATE TABLE webhook_endpoint (
  tenant text NOT NULL REFERENCES tenant,
  endpoint_id text NOT NULL,
  url text NOT NULL,
  -- null: every type
  types text[],
  -- whose events: a channel's, a supplier's, or with neither the whole tenant's
  channel text,
  supplier_id text,
  -- published events up to this position were never wanted, or by another wish
  wants_after bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  disabled_at timestamptz,
  disabled_because text CHECK (disabled_because IN ('failing', 'gone')),
  -- failures in a row; since when, and when the last one was
  failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
  failing_since timestamptz,
  last_failed_at timestamptz,
  removed_at timestamptz,
  PRIMARY KEY (tenant, endpoint_id),
  FOREIGN KEY (tenant, supplier_id) REFERENCES supplier,
  CHECK (num_nonnulls(channel, supplier_id) <= 1),
  CHECK ((disabled_at IS NULL) = (disabled_because IS NULL)),
  CHECK ((failures = 0) = (failing_since IS NULL) AND (failures = 0) = (last_failed_at IS NULL))
);
CREATE INDEX webhook_endpoint_by_supplier ON webhook_endpoint (tenant, supplier_id) WHERE supplier_id IS NOT NULL;

CREATE TABLE webhook_secret (
  tenant text NOT NULL,
  endpoint_id text NOT NULL,
  secret_id text NOT NULL,
  key_id text NOT NULL,
  sealed bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  retired_at timestamptz,
  PRIMARY KEY (tenant, endpoint_id, secret_id),
  FOREIGN KEY (tenant, endpoint_id) REFERENCES webhook_endpoint
);

-- Whether an endpoint is told of an event: it is in its audience, and of a type it asked for.
CREATE FUNCTION wants_event(w webhook_endpoint, e event) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN w.supplier_id IS NOT NULL THEN e.supplier_id IS NOT DISTINCT FROM w.supplier_id
              WHEN w.channel IS NOT NULL THEN e.channel IS NOT DISTINCT FROM w.channel
              ELSE true END
     AND (w.types IS NULL OR e.type = ANY (w.types))
$$;

-- ── deliveries ──────────────────────────────────────────────────────────────
CREATE TABLE webhook_delivery (
  tenant text NOT NULL,
  endpoint_id text NOT NULL,
  event_id text NOT NULL,
  -- the event's own
  position bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
  -- all attempts, and those since it was last asked for: a resend begins the schedule anew
  attempts integer NOT NULL DEFAULT 0,
  tries integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  PRIMARY KEY (tenant, endpoint_id, event_id),
  FOREIGN KEY (tenant, endpoint_id) REFERENCES webhook_endpoint,
  FOREIGN KEY (tenant, event_id) REFERENCES event,
  CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
  CHECK ((state = 'pending') = (ended_at IS NULL)),
  CHECK (0 <= tries AND tries <= attempts)
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (tenant, endpoint_id, next_attempt_at, position) WHERE state = 'pending';
CREATE UNIQUE INDEX webhook_delivery_log ON webhook_delivery (tenant, endpoint_id, position);

CREATE TABLE webhook_attempt (
  tenant text NOT NULL,
  endpoint_id text NOT NULL,
  event_id text NOT NULL,
  number integer NOT NULL CHECK (number >= 1),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  duration_ms integer NOT NULL CHECK (duration_ms >= 0),
  -- the receiver's answer, when there was one; null problem: delivered
  status integer,
  problem text,
  next_attempt_at timestamptz,
  PRIMARY KEY (tenant, endpoint_id, event_id, number),
  FOREIGN KEY (tenant, endpoint_id, event_id) REFERENCES webhook_delivery
);

CREATE TRIGGER declared_graph BEFORE UPDATE OF state ON webhook_delivery FOR EACH ROW EXECUTE FUNCTION refuse_other_steps(
  'pending>delivered', 'pending>failed', 'delivered>pending', 'failed>pending');

-- A supplier's address lives in its endpoint from now on.
INSERT INTO webhook_endpoint (tenant, endpoint_id, url, supplier_id)
  SELECT tenant, 'supplier:' || supplier_id, webhook_url, supplier_id FROM supplier WHERE webhook_url IS NOT NULL;
ALTER TABLE supplier DROP COLUMN webhook_url;

ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check, ADD CONSTRAINT outbox_kind_check CHECK (kind IN
  ('startOrder', 'signalOrder', 'startMoney', 'startRefund', 'signalRefund', 'wakeWebhook', 'startConversion'));

-- ── access ──────────────────────────────────────────────────────────────────
DO $$
DECLARE table_name text;
BEGIN
  FOREACH table_name IN ARRAY ARRAY['event', 'webhook_endpoint', 'webhook_secret', 'webhook_delivery', 'webhook_attempt'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
    EXECUTE format('CREATE POLICY own_tenant ON %I USING (tenant = current_tenant()) WITH CHECK (tenant = current_tenant())', table_name);
    EXECUTE format('CREATE POLICY checker_reads_all ON %I FOR SELECT TO xianda_checker USING (true)', table_name);
    EXECUTE format('CREATE POLICY dispatch_reads_all ON %I FOR SELECT TO xianda_dispatch USING (true)', table_name);
    EXECUTE format('GRANT SELECT ON %I TO xianda_checker', table_name);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO xianda_app', table_name);
  END LOOP;
END $$;
GRANT UPDATE ON webhook_endpoint, webhook_delivery TO xianda_app;
GRANT UPDATE (retired_at) ON webhook_secret TO xianda_app;
GRANT UPDATE (channel, data, position, published_at) ON event TO xianda_app;
-- dispatch looks for work, and never at what is told nor at secrets
GRANT SELECT (tenant, position) ON event TO xianda_dispatch;
GRANT SELECT ON webhook_endpoint, webhook_delivery TO xianda_dispatch;
GRANT SELECT (tenant, endpoint_id, retired_at) ON webhook_secret TO xianda_dispatch;

-- ── 16 · events are published once, in a gapless order, and reach whoever wants them ──
CREATE VIEW check_16_events WITH (security_invoker = true) AS
WITH feed AS (
  SELECT tenant, event_id, position, row_number() OVER (PARTITION BY tenant ORDER BY position) AS expected
    FROM event WHERE position IS NOT NULL),
attempted AS (
  SELECT tenant, endpoint_id, event_id, count(*) AS attempts, bool_or(problem IS NULL) AS arrived
    FROM webhook_attempt GROUP BY tenant, endpoint_id, event_id),
-- orders older than the feed have no event of their beginning, and are left out
lines AS (
  SELECT tenant, order_id, outbound_type(kind) AS type, count(*) AS units FROM order_event
   WHERE outbound_type(kind) IS NOT NULL GROUP BY tenant, order_id, outbound_type(kind)),
told AS (
  SELECT tenant, subject AS order_id, type, count(*) AS units FROM event WHERE type LIKE 'order.%'
   GROUP BY tenant, subject, type)
SELECT tenant, event_id AS subject, jsonb_build_object('problem', 'the feed has a gap', 'position', position, 'expected', expected) AS detail
  FROM feed WHERE position <> expected
UNION ALL
SELECT tenant, event_id, jsonb_build_object('problem', 'not published within 60 s', 'type', type, 'at', at)
  FROM event WHERE position IS NULL AND at < now() - interval '60 seconds'
UNION ALL
SELECT tenant, order_id, jsonb_build_object('problem', 'the timeline and the events differ', 'type', type,
         'lines', coalesce(l.units, 0), 'events', coalesce(t.units, 0))
  FROM lines l FULL JOIN told t USING (tenant, order_id, type)
 WHERE coalesce(l.units, 0) <> coalesce(t.units, 0)
   AND EXISTS (SELECT 1 FROM event e WHERE e.tenant = coalesce(l.tenant, t.tenant) AND e.type = 'order.placed' AND e.subject = coalesce(l.order_id, t.order_id))
UNION ALL
SELECT e.tenant, e.event_id, jsonb_build_object('problem', 'an endpoint was not told', 'endpoint', w.endpoint_id, 'type', e.type)
  FROM event e JOIN webhook_endpoint w ON w.tenant = e.tenant AND e.position > w.wants_after
 WHERE w.removed_at IS NULL AND wants_event(w, e)
   AND NOT EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.tenant = e.tenant AND d.endpoint_id = w.endpoint_id AND d.event_id = e.event_id)
UNION ALL
SELECT d.tenant, d.event_id, jsonb_build_object('problem', 'told to whom it does not belong', 'endpoint', d.endpoint_id)
  FROM webhook_delivery d
  JOIN webhook_endpoint w ON w.tenant = d.tenant AND w.endpoint_id = d.endpoint_id
  JOIN event e ON e.tenant = d.tenant AND e.event_id = d.event_id
 WHERE (w.supplier_id IS NOT NULL AND e.supplier_id IS DISTINCT FROM w.supplier_id)
    OR (w.channel IS NOT NULL AND e.channel IS DISTINCT FROM w.channel)
    OR e.position IS DISTINCT FROM d.position
UNION ALL
SELECT d.tenant, d.event_id, jsonb_build_object('problem', 'the delivery is not what its attempts say', 'endpoint', d.endpoint_id,
         'state', d.state, 'attempts', d.attempts, 'logged', coalesce(a.attempts, 0))
  FROM webhook_delivery d LEFT JOIN attempted a USING (tenant, endpoint_id, event_id)
 WHERE d.attempts <> coalesce(a.attempts, 0) OR (d.state = 'delivered' AND a.arrived IS NOT TRUE)
UNION ALL
SELECT tenant, endpoint_id, jsonb_build_object('problem', 'more than two secrets live', 'secrets', count(*))
  FROM webhook_secret WHERE retired_at IS NULL GROUP BY tenant, endpoint_id HAVING count(*) > 2;
GRANT SELECT ON check_16_events TO xianda_checker;

CREATE OR REPLACE VIEW check_rows WITH (security_invoker = true) AS
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
UNION ALL SELECT 15, (SELECT count(*) FROM point_load)
UNION ALL SELECT 16, (SELECT count(*) FROM event) + (SELECT count(*) FROM webhook_delivery);
