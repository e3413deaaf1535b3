-- Up Migration
-- The spine: tenants, catalogue, network, stock, orders, fulfilment, money, attention, outbox.
-- Words are those of docs/glossary.md. Units stand last in a name; money is fen, volume millilitres.
-- Every table of a tenant has the tenant first in its key, and every foreign key carries it (I11).

-- Roles are of the whole cluster; several databases may be migrated at once.
DO $$
DECLARE role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['xianda_app', 'xianda_platform', 'xianda_dispatch', 'xianda_sealer', 'xianda_checker'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    BEGIN
      EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END LOOP;
END $$;

CREATE FUNCTION current_tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT current_setting('xianda.tenant', true) $$;

-- ── tenants and keys ────────────────────────────────────────────────────────
CREATE TABLE tenant (
  tenant text PRIMARY KEY CHECK (tenant ~ '^[A-Za-z0-9._-]{1,64}$'),
  name text NOT NULL,
  time_zone text NOT NULL DEFAULT 'Asia/Shanghai',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE api_key (
  tenant text NOT NULL REFERENCES tenant,
  key_id text NOT NULL,
  role text NOT NULL CHECK (role IN ('channel', 'ops', 'warehouse', 'host', 'leader', 'supplier')),
  channel text,
  supplier_id text,
  leader_id text,
  key_hash bytea NOT NULL UNIQUE CHECK (length(key_hash) = 32),
  prefix text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_used_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (tenant, key_id)
);

-- ── catalogue ───────────────────────────────────────────────────────────────
CREATE TABLE category (
  tenant text NOT NULL REFERENCES tenant,
  category text NOT NULL,
  hold_minutes integer CHECK (hold_minutes >= 1),
  near_expiry_days integer CHECK (near_expiry_days >= 0),
  presale_lead_days integer CHECK (presale_lead_days >= 0),
  purchase_limit bigint CHECK (purchase_limit >= 1),
  minimum_remaining_life_days integer CHECK (minimum_remaining_life_days >= 0),
  PRIMARY KEY (tenant, category)
);

CREATE TABLE sku (
  tenant text NOT NULL REFERENCES tenant,
  sku text NOT NULL,
  name text NOT NULL,
  zone text NOT NULL CHECK (zone IN ('ambient', 'chilled', 'frozen', 'special')),
  temperature_min double precision,
  temperature_max double precision,
  handling text[] NOT NULL DEFAULT '{}',
  category text NOT NULL,
  weight_grams bigint NOT NULL CHECK (weight_grams >= 0),
  volume_millilitres bigint NOT NULL CHECK (volume_millilitres >= 0),
  price_fen bigint NOT NULL CHECK (price_fen >= 0),
  shelf_life_days integer NOT NULL CHECK (shelf_life_days >= 0),
  minimum_remaining_life_days integer CHECK (minimum_remaining_life_days >= 0),
  hold_minutes integer CHECK (hold_minutes >= 1),
  near_expiry_days integer CHECK (near_expiry_days >= 0),
  presale_lead_days integer CHECK (presale_lead_days >= 0),
  safety_stock bigint NOT NULL DEFAULT 0 CHECK (safety_stock >= 0),
  purchase_limit bigint CHECK (purchase_limit >= 1),
  gtin text,
  origin text,
  PRIMARY KEY (tenant, sku),
  CHECK (temperature_min <= temperature_max)
);

CREATE TABLE sku_component (
  tenant text NOT NULL,
  sku text NOT NULL,
  component_sku text NOT NULL,
  quantity bigint NOT NULL CHECK (quantity >= 1),
  PRIMARY KEY (tenant, sku, component_sku),
  FOREIGN KEY (tenant, sku) REFERENCES sku,
  FOREIGN KEY (tenant, component_sku) REFERENCES sku,
  CHECK (component_sku <> sku)
);

-- ── network ─────────────────────────────────────────────────────────────────
CREATE TABLE site (
  tenant text NOT NULL REFERENCES tenant,
  site_id text NOT NULL,
  name text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('central', 'forward', 'store', 'pickup', 'temporary', 'supplier')),
  lat double precision NOT NULL,
  lng double precision NOT NULL,
  zones text[] NOT NULL CHECK (zones <@ ARRAY['ambient', 'chilled', 'frozen', 'special']),
  cutoff text NOT NULL CHECK (cutoff ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
  departs_at text[] NOT NULL DEFAULT '{}',
  closed_on date[] NOT NULL DEFAULT '{}',
  shipments_per_hour bigint CHECK (shipments_per_hour >= 0),
  safety_stock bigint NOT NULL DEFAULT 0 CHECK (safety_stock >= 0),
  PRIMARY KEY (tenant, site_id)
);

CREATE TABLE community (
  tenant text NOT NULL REFERENCES tenant,
  community_id text NOT NULL,
  name text NOT NULL,
  region text NOT NULL,
  lat double precision NOT NULL,
  lng double precision NOT NULL,
  households bigint CHECK (households >= 0),
  PRIMARY KEY (tenant, community_id)
);

CREATE TABLE leader (
  tenant text NOT NULL REFERENCES tenant,
  leader_id text NOT NULL,
  name text NOT NULL,
  certificate text NOT NULL CHECK (certificate IN ('basic', 'cold')),
  PRIMARY KEY (tenant, leader_id)
);

CREATE TABLE pickup_point (
  tenant text NOT NULL,
  pickup_point_id text NOT NULL,
  leader_id text NOT NULL,
  lat double precision NOT NULL,
  lng double precision NOT NULL,
  ambient_millilitres bigint NOT NULL CHECK (ambient_millilitres >= 0),
  chilled_millilitres bigint NOT NULL CHECK (chilled_millilitres >= 0),
  frozen_millilitres bigint NOT NULL CHECK (frozen_millilitres >= 0),
  opens text NOT NULL,
  closes text NOT NULL,
  closed_on date[] NOT NULL DEFAULT '{}',
  temporary boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant, pickup_point_id),
  FOREIGN KEY (tenant, leader_id) REFERENCES leader
);

CREATE TABLE pickup_point_community (
  tenant text NOT NULL,
  pickup_point_id text NOT NULL,
  community_id text NOT NULL,
  PRIMARY KEY (tenant, pickup_point_id, community_id),
  FOREIGN KEY (tenant, pickup_point_id) REFERENCES pickup_point,
  FOREIGN KEY (tenant, community_id) REFERENCES community
);

CREATE TABLE carrier (
  tenant text NOT NULL REFERENCES tenant,
  carrier_id text NOT NULL,
  name text NOT NULL,
  zones text[] NOT NULL CHECK (zones <@ ARRAY['ambient', 'chilled', 'frozen', 'special']),
  shipments_per_day bigint NOT NULL CHECK (shipments_per_day >= 0),
  transit_days integer NOT NULL CHECK (transit_days >= 0),
  base_url text NOT NULL,
  PRIMARY KEY (tenant, carrier_id)
);

CREATE TABLE carrier_rate (
  tenant text NOT NULL,
  carrier_id text NOT NULL,
  zone text NOT NULL CHECK (zone IN ('ambient', 'chilled', 'frozen', 'special')),
  base_fen bigint NOT NULL CHECK (base_fen >= 0),
  per_kg_fen bigint NOT NULL CHECK (per_kg_fen >= 0),
  per_km_fen bigint NOT NULL CHECK (per_km_fen >= 0),
  PRIMARY KEY (tenant, carrier_id, zone),
  FOREIGN KEY (tenant, carrier_id) REFERENCES carrier
);

CREATE TABLE supplier (
  tenant text NOT NULL REFERENCES tenant,
  supplier_id text NOT NULL,
  name text NOT NULL,
  skus text[] NOT NULL DEFAULT '{}',
  webhook_url text,
  lead_days integer NOT NULL CHECK (lead_days >= 0),
  PRIMARY KEY (tenant, supplier_id)
);

-- ── stock: pool, lots, balances, journal, seals ─────────────────────────────
-- The first lock of every writer. `version` is the news: it rises with every change of the SKU's stock.
CREATE TABLE stock_pool (
  tenant text NOT NULL,
  sku text NOT NULL,
  version bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, sku),
  FOREIGN KEY (tenant, sku) REFERENCES sku
);

CREATE TABLE lot (
  tenant text NOT NULL,
  sku text NOT NULL,
  lot_id text NOT NULL,
  produced_on date NOT NULL,
  expires_on date NOT NULL,
  origin text,
  PRIMARY KEY (tenant, sku, lot_id),
  FOREIGN KEY (tenant, sku) REFERENCES sku,
  CHECK (produced_on <= expires_on)
);

CREATE TABLE stock_balance (
  tenant text NOT NULL,
  sku text NOT NULL,
  site_id text NOT NULL,
  lot_id text NOT NULL,
  on_hand bigint NOT NULL DEFAULT 0,
  held bigint NOT NULL DEFAULT 0,
  committed bigint NOT NULL DEFAULT 0,
  quarantined bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, sku, site_id, lot_id),
  FOREIGN KEY (tenant, sku, lot_id) REFERENCES lot,
  FOREIGN KEY (tenant, site_id) REFERENCES site,
  CONSTRAINT i1_on_hand CHECK (on_hand >= 0),
  CONSTRAINT i1_held CHECK (held >= 0),
  CONSTRAINT i1_committed CHECK (committed >= 0),
  CONSTRAINT i1_quarantined CHECK (quarantined >= 0),
  CONSTRAINT i3_no_oversell CHECK (held + committed + quarantined <= on_hand)
);

-- One row per transaction that moved stock; written by the journal's own trigger, never by callers.
CREATE TABLE stock_batch (
  tenant text NOT NULL REFERENCES tenant,
  batch_id uuid NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  movement_count integer NOT NULL,
  sha256 bytea NOT NULL,
  PRIMARY KEY (tenant, batch_id)
);

CREATE TABLE stock_movement (
  tenant text NOT NULL,
  batch_id uuid NOT NULL,
  position integer NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind text NOT NULL,
  sku text NOT NULL,
  site_id text NOT NULL,
  lot_id text NOT NULL,
  on_hand bigint NOT NULL DEFAULT 0,
  held bigint NOT NULL DEFAULT 0,
  committed bigint NOT NULL DEFAULT 0,
  quarantined bigint NOT NULL DEFAULT 0,
  cause_kind text NOT NULL,
  cause_id text NOT NULL,
  actor text NOT NULL,
  PRIMARY KEY (tenant, batch_id, position),
  -- the balance row is made by the trigger below, so the reference is checked at commit
  FOREIGN KEY (tenant, sku, site_id, lot_id) REFERENCES stock_balance DEFERRABLE INITIALLY DEFERRED,
  -- what a kind of movement may do to a balance; a new kind adds its line here
  CONSTRAINT movement_shape CHECK (CASE kind
    WHEN 'received'    THEN on_hand > 0 AND held = 0 AND committed = 0 AND quarantined = 0
    WHEN 'held'        THEN on_hand = 0 AND held > 0 AND committed = 0 AND quarantined = 0
    WHEN 'released'    THEN on_hand = 0 AND held < 0 AND committed = 0 AND quarantined = 0
    WHEN 'expired'     THEN on_hand = 0 AND held < 0 AND committed = 0 AND quarantined = 0
    WHEN 'committed'   THEN on_hand = 0 AND held < 0 AND committed = -held AND quarantined = 0
    WHEN 'uncommitted' THEN on_hand = 0 AND held = 0 AND committed < 0 AND quarantined = 0
    WHEN 'pickedUp'    THEN on_hand < 0 AND held = 0 AND committed = on_hand AND quarantined = 0
    ELSE false END)
);
CREATE INDEX stock_movement_history ON stock_movement (tenant, sku, at DESC, batch_id, position);

CREATE FUNCTION canonical_movement(m stock_movement) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_array(m.position, m.kind, m.sku, m.site_id, m.lot_id, m.on_hand, m.held, m.committed,
                           m.quarantined, m.cause_kind, m.cause_id, m.actor)::text
$$;

-- What the sealer has still to chain; a queue, so that the books themselves stay append-only.
CREATE TABLE unsealed_batch (
  tenant text NOT NULL,
  batch_id uuid NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, batch_id)
);

CREATE TABLE stock_seal (
  tenant text NOT NULL,
  position bigint NOT NULL CHECK (position >= 1),
  batch_id uuid NOT NULL,
  previous bytea NOT NULL,
  hash bytea NOT NULL,
  sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, position),
  UNIQUE (tenant, batch_id),
  FOREIGN KEY (tenant, batch_id) REFERENCES stock_batch
);

-- The one place where a balance moves: whoever writes the journal moves the balances, raises the pool's
-- version and writes the batch row, in the same statement. Callers hold the stock_pool rows (lock order).
CREATE FUNCTION apply_movements() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO stock_balance (tenant, sku, site_id, lot_id)
    SELECT DISTINCT tenant, sku, site_id, lot_id FROM moved WHERE kind = 'received'
    ON CONFLICT DO NOTHING;
  UPDATE stock_balance b
     SET on_hand = b.on_hand + d.on_hand, held = b.held + d.held,
         committed = b.committed + d.committed, quarantined = b.quarantined + d.quarantined
    FROM (SELECT tenant, sku, site_id, lot_id, sum(on_hand)::bigint AS on_hand, sum(held)::bigint AS held,
                 sum(committed)::bigint AS committed, sum(quarantined)::bigint AS quarantined
            FROM moved GROUP BY tenant, sku, site_id, lot_id) d
   WHERE b.tenant = d.tenant AND b.sku = d.sku AND b.site_id = d.site_id AND b.lot_id = d.lot_id;
  UPDATE stock_pool p SET version = p.version + 1
    FROM (SELECT DISTINCT tenant, sku FROM moved) d WHERE p.tenant = d.tenant AND p.sku = d.sku;
  -- a second statement for the same batch would break its hash: the primary key refuses it
  INSERT INTO stock_batch (tenant, batch_id, movement_count, sha256)
    SELECT m.tenant, m.batch_id, count(*)::integer,
           sha256(convert_to(string_agg(canonical_movement(m::stock_movement), E'\n' ORDER BY m.position), 'UTF8'))
      FROM moved m GROUP BY m.tenant, m.batch_id;
  INSERT INTO unsealed_batch (tenant, batch_id) SELECT DISTINCT tenant, batch_id FROM moved;
  RETURN NULL;
END $$;
CREATE TRIGGER apply_movements AFTER INSERT ON stock_movement
  REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION apply_movements();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'I2 % is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_movement FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_batch FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_seal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE stock_receipt (
  tenant text NOT NULL,
  reference text NOT NULL,
  site_id text NOT NULL,
  body_digest bytea NOT NULL,
  answer json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, reference),
  FOREIGN KEY (tenant, site_id) REFERENCES site
);

-- ── presale ─────────────────────────────────────────────────────────────────
CREATE TABLE presale_campaign (
  tenant text NOT NULL,
  campaign_id text NOT NULL,
  sku text NOT NULL,
  opens_at timestamptz NOT NULL,
  closes_at timestamptz NOT NULL,
  deliver_from date NOT NULL,
  deliver_by date NOT NULL,
  price_fen bigint CHECK (price_fen >= 0),
  minimum_per_leader bigint CHECK (minimum_per_leader >= 1),
  PRIMARY KEY (tenant, campaign_id),
  FOREIGN KEY (tenant, sku) REFERENCES sku,
  CHECK (opens_at < closes_at),
  CHECK (deliver_from <= deliver_by)
);

CREATE TABLE presale_quota (
  tenant text NOT NULL,
  campaign_id text NOT NULL,
  region text NOT NULL,
  units bigint NOT NULL CHECK (units >= 0),
  held bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
  sold bigint NOT NULL DEFAULT 0 CHECK (sold >= 0),
  PRIMARY KEY (tenant, campaign_id, region),
  FOREIGN KEY (tenant, campaign_id) REFERENCES presale_campaign,
  CONSTRAINT i3_quota CHECK (held + sold <= units)
);

-- ── orders ──────────────────────────────────────────────────────────────────
CREATE TABLE orders (
  tenant text NOT NULL REFERENCES tenant,
  order_id text NOT NULL,
  channel text NOT NULL,
  external_id text NOT NULL,
  body_digest bytea NOT NULL,
  answer json NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'awaitingPayment', 'paid', 'fulfilling', 'delivered', 'expired', 'cancelled')),
  buyer_ref text NOT NULL,
  community_id text,
  pickup_point_id text,
  region text,
  lat double precision,
  lng double precision,
  delivery_method text NOT NULL CHECK (delivery_method IN ('express', 'pickup', 'local')),
  window_from timestamptz,
  window_to timestamptz,
  total_fen bigint NOT NULL CHECK (total_fen >= 0),
  freight_fen bigint NOT NULL CHECK (freight_fen >= 0),
  paid_fen bigint NOT NULL DEFAULT 0,
  refunded_fen bigint NOT NULL DEFAULT 0,
  ship_by timestamptz NOT NULL,
  deliver_by timestamptz NOT NULL,
  -- null: came already paid (or costs nothing) and never expires
  expires_at timestamptz,
  live_session_id text,
  placed_on date NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  paid_at timestamptz,
  ended_at timestamptz,
  late_outcome text CHECK (late_outcome IN ('reheld', 'repromised', 'refunded')),
  late_at timestamptz,
  run integer NOT NULL DEFAULT 1 CHECK (run >= 1),
  PRIMARY KEY (tenant, order_id),
  UNIQUE (tenant, channel, external_id),
  FOREIGN KEY (tenant, community_id) REFERENCES community,
  FOREIGN KEY (tenant, pickup_point_id) REFERENCES pickup_point,
  CONSTRAINT i7_money CHECK (0 <= refunded_fen AND refunded_fen <= paid_fen),
  CHECK (state <> 'awaitingPayment' OR expires_at IS NOT NULL)
);
CREATE INDEX orders_due ON orders (tenant, expires_at) WHERE state = 'awaitingPayment';
CREATE INDEX orders_by_state ON orders (tenant, state, created_at DESC, order_id);
CREATE INDEX orders_newest ON orders (tenant, created_at DESC, order_id);
CREATE INDEX orders_by_buyer ON orders (tenant, buyer_ref, placed_on);

CREATE TABLE order_line (
  tenant text NOT NULL,
  order_id text NOT NULL,
  line_id text NOT NULL,
  position integer NOT NULL,
  sku text NOT NULL,
  quantity bigint NOT NULL CHECK (quantity >= 1),
  unit_price_fen bigint NOT NULL CHECK (unit_price_fen >= 0),
  discount_fen bigint NOT NULL DEFAULT 0 CHECK (discount_fen >= 0),
  supply text NOT NULL CHECK (supply IN ('spot', 'presale')),
  campaign_id text,
  -- the recipe as sold: a later change of the bundle never touches an open order
  components jsonb NOT NULL,
  PRIMARY KEY (tenant, order_id, line_id),
  FOREIGN KEY (tenant, order_id) REFERENCES orders,
  FOREIGN KEY (tenant, sku) REFERENCES sku,
  FOREIGN KEY (tenant, campaign_id) REFERENCES presale_campaign,
  CHECK ((supply = 'presale') = (campaign_id IS NOT NULL))
);
CREATE INDEX order_line_by_sku ON order_line (tenant, sku, order_id);

-- The only place of personal data: one encrypted document an order, erased by deleting the row.
CREATE TABLE recipient (
  tenant text NOT NULL,
  order_id text NOT NULL,
  key_id text NOT NULL,
  sealed bytea NOT NULL,
  phone_digest bytea,
  PRIMARY KEY (tenant, order_id),
  FOREIGN KEY (tenant, order_id) REFERENCES orders
);
CREATE INDEX recipient_by_phone ON recipient (tenant, phone_digest) WHERE phone_digest IS NOT NULL;

CREATE TABLE order_event (
  tenant text NOT NULL,
  order_id text NOT NULL,
  event_id bigint GENERATED ALWAYS AS IDENTITY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind text NOT NULL,
  detail jsonb,
  PRIMARY KEY (tenant, order_id, event_id),
  FOREIGN KEY (tenant, order_id) REFERENCES orders
);

-- Stock promised to an order line, bound to site and lot. `remaining` is what of it still stands in the
-- balance (held, or committed and neither un-committed nor gone).
CREATE TABLE hold (
  tenant text NOT NULL,
  hold_id text NOT NULL,
  order_id text NOT NULL,
  line_id text NOT NULL,
  sku text NOT NULL,
  site_id text NOT NULL,
  lot_id text NOT NULL,
  quantity bigint NOT NULL CHECK (quantity >= 1),
  remaining bigint NOT NULL CHECK (remaining >= 0),
  state text NOT NULL CHECK (state IN ('held', 'committed', 'released', 'expired')),
  hand_over_on date NOT NULL,
  -- null: committed in the step that made it
  expires_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  PRIMARY KEY (tenant, hold_id),
  FOREIGN KEY (tenant, order_id, line_id) REFERENCES order_line,
  FOREIGN KEY (tenant, sku, site_id, lot_id) REFERENCES stock_balance,
  CHECK (remaining <= quantity),
  CHECK (state <> 'held' OR expires_at IS NOT NULL),
  CHECK (state <> 'held' OR remaining = quantity),
  CHECK (state NOT IN ('released', 'expired') OR remaining = 0),
  CHECK ((state = 'held') = (ended_at IS NULL))
);
CREATE INDEX hold_by_order ON hold (tenant, order_id);
CREATE INDEX hold_due ON hold (tenant, sku, expires_at) WHERE state = 'held';
CREATE INDEX hold_standing ON hold (tenant, sku, site_id, lot_id) WHERE remaining > 0;

CREATE TABLE quota_hold (
  tenant text NOT NULL,
  order_id text NOT NULL,
  line_id text NOT NULL,
  -- the order's run: a re-held order takes quota again, and what expired stays as it was
  run integer NOT NULL DEFAULT 1,
  campaign_id text NOT NULL,
  region text NOT NULL,
  quantity bigint NOT NULL CHECK (quantity >= 1),
  state text NOT NULL CHECK (state IN ('held', 'committed', 'released', 'expired')),
  expires_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  -- of a committed one: when a cancel gave the units back to the quota
  uncommitted_at timestamptz,
  PRIMARY KEY (tenant, order_id, line_id, run),
  FOREIGN KEY (tenant, order_id, line_id) REFERENCES order_line,
  FOREIGN KEY (tenant, campaign_id, region) REFERENCES presale_quota,
  CHECK ((state = 'held') = (ended_at IS NULL)),
  CHECK (uncommitted_at IS NULL OR state = 'committed')
);
CREATE INDEX quota_hold_by_quota ON quota_hold (tenant, campaign_id, region);

-- ── capacity of pickup points ───────────────────────────────────────────────
-- Litres are taken when the order is and given back when its goods have left the point or never come.
CREATE TABLE point_load (
  tenant text NOT NULL,
  pickup_point_id text NOT NULL,
  zone text NOT NULL CHECK (zone IN ('ambient', 'chilled', 'frozen')),
  millilitres bigint NOT NULL DEFAULT 0 CHECK (millilitres >= 0),
  PRIMARY KEY (tenant, pickup_point_id, zone),
  FOREIGN KEY (tenant, pickup_point_id) REFERENCES pickup_point
);

CREATE TABLE capacity_hold (
  tenant text NOT NULL,
  order_id text NOT NULL,
  zone text NOT NULL,
  pickup_point_id text NOT NULL,
  millilitres bigint NOT NULL CHECK (millilitres >= 0),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  released_at timestamptz,
  PRIMARY KEY (tenant, order_id, zone),
  FOREIGN KEY (tenant, order_id) REFERENCES orders,
  FOREIGN KEY (tenant, pickup_point_id, zone) REFERENCES point_load
);
CREATE INDEX capacity_hold_standing ON capacity_hold (tenant, pickup_point_id, zone) WHERE released_at IS NULL;

-- ── fulfilment ──────────────────────────────────────────────────────────────
CREATE TABLE shipment (
  tenant text NOT NULL,
  shipment_id text NOT NULL,
  order_id text NOT NULL,
  zone text NOT NULL CHECK (zone IN ('ambient', 'chilled', 'frozen', 'special')),
  site_id text NOT NULL,
  carrier_id text,
  leader_id text,
  pickup_point_id text,
  state text NOT NULL CHECK (state IN ('planned', 'booked', 'picking', 'packed', 'pickedUp', 'inTransit', 'atPickupPoint', 'failed', 'delivered', 'returned', 'cancelled')),
  cost_fen bigint NOT NULL CHECK (cost_fen >= 0),
  weight_grams bigint NOT NULL,
  volume_millilitres bigint NOT NULL,
  ship_by timestamptz NOT NULL,
  deliver_by timestamptz NOT NULL,
  hand_over_on date NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  booked_at timestamptz,
  delivered_at timestamptz,
  ended_at timestamptz,
  PRIMARY KEY (tenant, shipment_id),
  FOREIGN KEY (tenant, order_id) REFERENCES orders,
  FOREIGN KEY (tenant, site_id) REFERENCES site,
  FOREIGN KEY (tenant, carrier_id) REFERENCES carrier,
  FOREIGN KEY (tenant, leader_id) REFERENCES leader,
  FOREIGN KEY (tenant, pickup_point_id) REFERENCES pickup_point,
  CHECK ((carrier_id IS NULL) <> (leader_id IS NULL)),
  CHECK ((leader_id IS NULL) = (pickup_point_id IS NULL)),
  CONSTRAINT i5_special_by_carrier CHECK (zone <> 'special' OR carrier_id IS NOT NULL)
);
CREATE INDEX shipment_by_order ON shipment (tenant, order_id);
CREATE INDEX shipment_by_state ON shipment (tenant, state, created_at DESC, shipment_id);

CREATE TABLE parcel (
  tenant text NOT NULL,
  parcel_id text NOT NULL,
  shipment_id text NOT NULL,
  waybill_no text,
  weight_grams bigint NOT NULL,
  PRIMARY KEY (tenant, parcel_id),
  FOREIGN KEY (tenant, shipment_id) REFERENCES shipment
);
CREATE INDEX parcel_by_shipment ON parcel (tenant, shipment_id);
CREATE UNIQUE INDEX parcel_by_waybill ON parcel (tenant, waybill_no) WHERE waybill_no IS NOT NULL;

-- Which units of which hold travel in which parcel.
CREATE TABLE parcel_lot (
  tenant text NOT NULL,
  parcel_id text NOT NULL,
  hold_id text NOT NULL,
  quantity bigint NOT NULL CHECK (quantity >= 1),
  PRIMARY KEY (tenant, parcel_id, hold_id),
  FOREIGN KEY (tenant, parcel_id) REFERENCES parcel,
  FOREIGN KEY (tenant, hold_id) REFERENCES hold
);
CREATE INDEX parcel_lot_by_hold ON parcel_lot (tenant, hold_id);

CREATE TABLE shipment_event (
  tenant text NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  shipment_id text NOT NULL,
  parcel_id text,
  kind text NOT NULL,
  at timestamptz NOT NULL,
  place text,
  temperature_c double precision,
  note text,
  body_digest bytea NOT NULL,
  received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, source, event_id),
  FOREIGN KEY (tenant, shipment_id) REFERENCES shipment
);
CREATE INDEX shipment_event_by_shipment ON shipment_event (tenant, shipment_id, at);

-- ── money ───────────────────────────────────────────────────────────────────
-- applied: pays its order · late: came after the hold ended · surplus: a second or an unowed payment, to be
-- refunded · parked: not believed yet (wrong amount …), outside of the order's books · settled: parked and
-- closed by hand.
CREATE TABLE payment (
  tenant text NOT NULL,
  provider text NOT NULL,
  transaction_id text NOT NULL,
  order_id text NOT NULL,
  amount_fen bigint NOT NULL CHECK (amount_fen >= 0),
  state text NOT NULL CHECK (state IN ('applied', 'late', 'surplus', 'parked', 'settled')),
  held_by text NOT NULL CHECK (held_by IN ('tenant', 'channel')),
  paid_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, provider, transaction_id),
  FOREIGN KEY (tenant, order_id) REFERENCES orders
);
CREATE INDEX payment_by_order ON payment (tenant, order_id);

CREATE TABLE payment_notification (
  tenant text NOT NULL REFERENCES tenant,
  provider text NOT NULL,
  notification_id text NOT NULL,
  body_digest bytea NOT NULL,
  received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, provider, notification_id)
);

CREATE TABLE refund (
  tenant text NOT NULL,
  refund_id text NOT NULL,
  order_id text NOT NULL,
  provider text NOT NULL,
  transaction_id text NOT NULL,
  amount_fen bigint NOT NULL CHECK (amount_fen >= 1),
  reason text NOT NULL,
  state text NOT NULL CHECK (state IN ('requested', 'confirmed')),
  requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  confirmed_at timestamptz,
  PRIMARY KEY (tenant, refund_id),
  FOREIGN KEY (tenant, order_id) REFERENCES orders,
  FOREIGN KEY (tenant, provider, transaction_id) REFERENCES payment,
  CHECK ((state = 'confirmed') = (confirmed_at IS NOT NULL))
);
CREATE INDEX refund_by_order ON refund (tenant, order_id);

-- ── attention: what the machine cannot finish, with an owner and a deadline ─
CREATE TABLE attention (
  tenant text NOT NULL REFERENCES tenant,
  attention_id uuid NOT NULL DEFAULT gen_random_uuid(),
  reason text NOT NULL,
  subject text NOT NULL,
  order_id text,
  shipment_id text,
  owner text NOT NULL,
  deadline timestamptz NOT NULL,
  detail jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  resolved_at timestamptz,
  resolved_by text,
  action text,
  resolution jsonb,
  PRIMARY KEY (tenant, attention_id),
  FOREIGN KEY (tenant, order_id) REFERENCES orders,
  FOREIGN KEY (tenant, shipment_id) REFERENCES shipment,
  CHECK ((resolved_at IS NULL) = (action IS NULL))
);
CREATE UNIQUE INDEX attention_open ON attention (tenant, reason, subject) WHERE resolved_at IS NULL;
CREATE INDEX attention_by_order ON attention (tenant, order_id) WHERE resolved_at IS NULL;

-- Money and events that belong to no tenant we know.
CREATE TABLE platform_attention (
  attention_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  reason text NOT NULL,
  subject text NOT NULL,
  owner text NOT NULL,
  deadline timestamptz NOT NULL,
  detail jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  resolved_at timestamptz,
  resolved_by text,
  action text,
  resolution jsonb,
  CHECK ((resolved_at IS NULL) = (action IS NULL))
);
-- for ever, not only while open: the same unknown money told again is not news
CREATE UNIQUE INDEX platform_attention_once ON platform_attention (reason, subject);

-- ── outbox: what Temporal has still to be told ──────────────────────────────
CREATE TABLE outbox (
  tenant text NOT NULL REFERENCES tenant,
  outbox_id bigint GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL CHECK (kind IN ('startOrder', 'signalOrder', 'startMoney', 'startRefund', 'signalRefund')),
  subject text NOT NULL,
  payload jsonb NOT NULL DEFAULT '{}',
  urgent boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  attempts integer NOT NULL DEFAULT 0,
  done_at timestamptz,
  PRIMARY KEY (tenant, outbox_id)
);
CREATE INDEX outbox_pending ON outbox (urgent DESC, outbox_id) WHERE done_at IS NULL;
CREATE INDEX outbox_by_subject ON outbox (tenant, subject) WHERE done_at IS NULL;

-- ── declared graphs (I4, I9): the database refuses any other step ───────────
CREATE FUNCTION refuse_other_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state IS DISTINCT FROM NEW.state AND NOT ((OLD.state || '>' || NEW.state) = ANY (TG_ARGV)) THEN
    RAISE EXCEPTION 'I9 % cannot go from % to %', TG_TABLE_NAME, OLD.state, NEW.state
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER declared_graph BEFORE UPDATE OF state ON orders FOR EACH ROW EXECUTE FUNCTION refuse_other_steps(
  'waiting>awaitingPayment', 'waiting>cancelled', 'awaitingPayment>paid', 'awaitingPayment>expired',
  'awaitingPayment>cancelled', 'expired>paid', 'paid>fulfilling', 'paid>cancelled', 'fulfilling>delivered',
  'fulfilling>cancelled');
CREATE TRIGGER declared_graph BEFORE UPDATE OF state ON hold FOR EACH ROW EXECUTE FUNCTION refuse_other_steps(
  'held>committed', 'held>released', 'held>expired');
CREATE TRIGGER declared_graph BEFORE UPDATE OF state ON quota_hold FOR EACH ROW EXECUTE FUNCTION refuse_other_steps(
  'held>committed', 'held>released', 'held>expired');
CREATE TRIGGER declared_graph BEFORE UPDATE OF state ON refund FOR EACH ROW EXECUTE FUNCTION refuse_other_steps(
  'requested>confirmed');

-- A shipment may jump to any higher rank, because events come in any order; cancelled only before pick-up.
DO $$
DECLARE
  ranks text[] := ARRAY['planned', 'booked', 'picking', 'packed', 'pickedUp', 'inTransit', 'atPickupPoint', 'failed', 'delivered', 'returned'];
  steps text;
BEGIN
  SELECT string_agg(quote_literal(a.name || '>' || b.name), ', ') INTO steps
    FROM unnest(ranks) WITH ORDINALITY a(name, rank), unnest(ranks || 'cancelled'::text) WITH ORDINALITY b(name, rank)
   WHERE (b.name <> 'cancelled' AND a.rank < b.rank) OR (b.name = 'cancelled' AND a.rank <= 4);
  EXECUTE 'CREATE TRIGGER declared_graph BEFORE UPDATE OF state ON shipment FOR EACH ROW EXECUTE FUNCTION refuse_other_steps(' || steps || ')';
END $$;

-- ── access: row-level security is forced on every table ─────────────────────
DO $$
DECLARE table_name text;
BEGIN
  FOR table_name IN
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
    EXECUTE format('CREATE POLICY own_tenant ON %I USING (tenant = current_tenant()) WITH CHECK (tenant = current_tenant())', table_name);
    EXECUTE format('CREATE POLICY checker_reads_all ON %I FOR SELECT TO xianda_checker USING (true)', table_name);
    EXECUTE format('GRANT SELECT ON %I TO xianda_checker', table_name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO xianda_app', table_name);
  END LOOP;
END $$;

ALTER TABLE platform_attention ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform_attention FORCE ROW LEVEL SECURITY;
CREATE POLICY platform_owns ON platform_attention TO xianda_platform USING (true) WITH CHECK (true);
CREATE POLICY checker_reads_all ON platform_attention FOR SELECT TO xianda_checker USING (true);
GRANT SELECT ON platform_attention TO xianda_checker;
GRANT SELECT, INSERT, UPDATE ON platform_attention TO xianda_platform;

-- The application moves balances only through the journal and never rewrites the books.
REVOKE INSERT, UPDATE ON stock_balance, stock_batch, stock_seal, unsealed_batch FROM xianda_app;
REVOKE UPDATE ON stock_movement, stock_receipt, shipment_event, payment_notification, order_event FROM xianda_app;
REVOKE INSERT, UPDATE ON tenant, api_key FROM xianda_app;
GRANT DELETE ON sku_component, pickup_point_community, carrier_rate, recipient, presale_quota TO xianda_app;

CREATE POLICY platform_owns ON tenant TO xianda_platform USING (true) WITH CHECK (true);
CREATE POLICY platform_owns ON api_key TO xianda_platform USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON tenant, api_key TO xianda_platform;

-- The dispatcher sees every tenant's work, and writes only the outbox; what it changes in a tenant's
-- stock or orders it changes as xianda_app with that tenant bound.
CREATE POLICY dispatch_reads_all ON tenant FOR SELECT TO xianda_dispatch USING (true);
CREATE POLICY dispatch_reads_all ON orders FOR SELECT TO xianda_dispatch USING (true);
CREATE POLICY dispatch_reads_all ON hold FOR SELECT TO xianda_dispatch USING (true);
CREATE POLICY dispatch_reads_all ON refund FOR SELECT TO xianda_dispatch USING (true);
CREATE POLICY dispatch_reads_all ON payment FOR SELECT TO xianda_dispatch USING (true);
CREATE POLICY dispatch_works_all ON outbox TO xianda_dispatch USING (true) WITH CHECK (true);
GRANT SELECT ON tenant, orders, hold, refund, payment TO xianda_dispatch;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO xianda_dispatch;

CREATE POLICY sealer_reads_all ON stock_batch FOR SELECT TO xianda_sealer USING (true);
CREATE POLICY sealer_works_all ON unsealed_batch TO xianda_sealer USING (true) WITH CHECK (true);
CREATE POLICY sealer_works_all ON stock_seal TO xianda_sealer USING (true) WITH CHECK (true);
GRANT SELECT ON stock_batch TO xianda_sealer;
GRANT SELECT, DELETE ON unsealed_batch TO xianda_sealer;
GRANT SELECT, INSERT ON stock_seal TO xianda_sealer;

DO $$ BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO xianda_app, xianda_platform, xianda_dispatch, xianda_sealer, xianda_checker', current_schema());
END $$;
