-- Up Migration
-- Intake writes hundreds of orders with one statement per table. What it refers to is checked once a statement too:
-- a foreign key is a query for each row, which took 43 of 157 µs an order (docs/decisions/0032).

-- ── set-wise references ─────────────────────────────────────────────────────
-- The guarantee stays whole: what is inserted points to a row that is there (checked below), never points elsewhere
-- later (refuse_rekeying), and what is pointed to is never deleted (refuse_delete).
CREATE FUNCTION refuse_rekeying() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'I11 a row of % keeps its keys', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$;

CREATE FUNCTION refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'I11 rows of % are never deleted: others point to them', TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation'; END $$;

DO $$
DECLARE
  reference record;
  columns text;
  question text;
BEGIN
  FOR reference IN
    SELECT * FROM (VALUES
      ('orders',      ARRAY['tenant'],                             'tenant',        'orders_tenant_fkey'),
      ('order_line',  ARRAY['tenant', 'order_id'],                 'orders',        'order_line_tenant_order_id_fkey'),
      ('order_line',  ARRAY['tenant', 'sku'],                      'sku',           'order_line_tenant_sku_fkey'),
      ('recipient',   ARRAY['tenant', 'order_id'],                 'orders',        'recipient_tenant_order_id_fkey'),
      ('order_event', ARRAY['tenant', 'order_id'],                 'orders',        'order_event_tenant_order_id_fkey'),
      ('hold',        ARRAY['tenant', 'order_id', 'line_id'],      'order_line',    'hold_tenant_order_id_line_id_fkey'),
      ('hold',        ARRAY['tenant', 'sku', 'site_id', 'lot_id'], 'stock_balance', 'hold_tenant_sku_site_id_lot_id_fkey'),
      ('outbox',      ARRAY['tenant'],                             'tenant',        'outbox_tenant_fkey'),
      ('event',       ARRAY['tenant'],                             'tenant',        'event_tenant_fkey')
    ) AS r(child, keys, parent, replaced)
  LOOP
    SELECT string_agg(format('p.%1$I = a.%1$I', key), ' AND ' ORDER BY ordinality) INTO columns
      FROM unnest(reference.keys) WITH ORDINALITY AS k(key, ordinality);
    -- a scalar subquery, so that each row is looked up by key and never by a join over all orders of the tenant
    question := format('SELECT EXISTS (SELECT 1 FROM (SELECT %s %s FROM added) a WHERE (SELECT true FROM %I p WHERE %s) IS NULL)',
      -- a burst's rows point to many orders, but to one tenant and few SKUs
      CASE WHEN 'order_id' = ANY (reference.keys) THEN '' ELSE 'DISTINCT' END,
      array_to_string(ARRAY(SELECT quote_ident(key) FROM unnest(reference.keys) key), ', '), reference.parent, columns);
    -- planned for each statement: a plan kept from the time when the table was empty takes any index that begins
    -- with the tenant, and reads all its orders for each row (500 µs a row after 5,000 orders)
    EXECUTE format($body$
      CREATE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql AS $function$
      DECLARE missing boolean;
      BEGIN
        EXECUTE %2$L INTO missing;
        IF missing THEN
          RAISE EXCEPTION 'I11 a row of %3$s points to no row of %4$s' USING ERRCODE = 'foreign_key_violation';
        END IF;
        RETURN NULL;
      END $function$ $body$,
      reference.child || '_has_' || reference.parent, question, reference.child, reference.parent);
    EXECUTE format('CREATE TRIGGER %1$I AFTER INSERT ON %2$I REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION %1$I()',
      reference.child || '_has_' || reference.parent, reference.child);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', reference.child, reference.replaced);
  END LOOP;
END $$;

DO $$
DECLARE
  kept record;
BEGIN
  FOR kept IN
    SELECT * FROM (VALUES
      ('orders', ARRAY['tenant', 'order_id']), ('order_line', ARRAY['tenant', 'order_id', 'line_id', 'sku']),
      ('recipient', ARRAY['tenant', 'order_id']), ('order_event', ARRAY['tenant', 'order_id', 'event_id']),
      ('hold', ARRAY['tenant', 'hold_id', 'order_id', 'line_id', 'sku', 'site_id', 'lot_id']),
      ('outbox', ARRAY['tenant']), ('event', ARRAY['tenant']), ('tenant', ARRAY['tenant']), ('sku', ARRAY['tenant', 'sku']),
      ('stock_balance', ARRAY['tenant', 'sku', 'site_id', 'lot_id'])
    ) AS k(name, keys)
  LOOP
    EXECUTE format('CREATE TRIGGER keeps_keys BEFORE UPDATE ON %I FOR EACH ROW WHEN (%s) EXECUTE FUNCTION refuse_rekeying()',
      kept.name,
      (SELECT string_agg(format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', key), ' OR ') FROM unnest(kept.keys) key));
  END LOOP;
END $$;

CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON tenant FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON sku FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON order_line FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON stock_balance FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete();

-- The journal's reference to its balance: the trigger that moves balances has them in hand, and says so if one is missing.
ALTER TABLE stock_movement DROP CONSTRAINT stock_movement_tenant_sku_site_id_lot_id_fkey;
CREATE OR REPLACE FUNCTION apply_movements() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  touched bigint;
  moved_rows bigint;
BEGIN
  INSERT INTO stock_balance (tenant, sku, site_id, lot_id)
    SELECT DISTINCT tenant, sku, site_id, lot_id FROM moved WHERE kind = 'received'
    ON CONFLICT DO NOTHING;
  SELECT count(*) INTO touched FROM (SELECT DISTINCT tenant, sku, site_id, lot_id FROM moved) d;
  UPDATE stock_balance b
     SET on_hand = b.on_hand + d.on_hand, held = b.held + d.held,
         committed = b.committed + d.committed, quarantined = b.quarantined + d.quarantined
    FROM (SELECT tenant, sku, site_id, lot_id, sum(on_hand)::bigint AS on_hand, sum(held)::bigint AS held,
                 sum(committed)::bigint AS committed, sum(quarantined)::bigint AS quarantined
            FROM moved GROUP BY tenant, sku, site_id, lot_id) d
   WHERE b.tenant = d.tenant AND b.sku = d.sku AND b.site_id = d.site_id AND b.lot_id = d.lot_id;
  GET DIAGNOSTICS moved_rows = ROW_COUNT;
  IF moved_rows <> touched THEN
    RAISE EXCEPTION 'I2 a movement has no balance' USING ERRCODE = 'foreign_key_violation';
  END IF;
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

-- ── the version of what rarely changes ──────────────────────────────────────
-- Catalogue and network are read by every batch of orders and change seldom: whoever has them in memory asks
-- `tenant_version` whether they still stand. So it rises with every change of either, and not only with those that
-- all SKUs of the tenant share.
CREATE OR REPLACE FUNCTION raise_tenant_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tenant_version (tenant, version) VALUES (coalesce(NEW.tenant, OLD.tenant), 1)
    ON CONFLICT (tenant) DO UPDATE SET version = tenant_version.version + 1;
  RETURN NULL;
END $$;
DO $$
DECLARE table_name text;
BEGIN
  FOREACH table_name IN ARRAY ARRAY['sku', 'sku_component', 'community', 'pickup_point_community', 'carrier_rate'] LOOP
    EXECUTE format('CREATE CONSTRAINT TRIGGER raise_tenant_version AFTER INSERT OR UPDATE OR DELETE ON %I
                    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION raise_tenant_version()', table_name);
  END LOOP;
END $$;
