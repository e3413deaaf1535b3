-- Up Migration
-- The sellable clock (docs/decisions/0036): whatever changes what can be sold raises a number that readers compare.
-- `stock_pool.version` is a SKU's own news; its stock raises it already (apply_movements), here its catalogue entry,
-- its presale quotas and the ends of its holds do. `tenant_version` is the news of what all SKUs of a tenant share.

CREATE TABLE tenant_version (
  tenant text PRIMARY KEY REFERENCES tenant,
  version bigint NOT NULL DEFAULT 0
);
ALTER TABLE tenant_version ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_version FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON tenant_version USING (tenant = current_tenant()) WITH CHECK (tenant = current_tenant());
CREATE POLICY checker_reads_all ON tenant_version FOR SELECT TO xianda_checker USING (true);
-- the platform sets a tenant's time zone
CREATE POLICY platform_owns ON tenant_version TO xianda_platform USING (true) WITH CHECK (true);
GRANT SELECT ON tenant_version TO xianda_checker;
GRANT SELECT, INSERT, UPDATE ON tenant_version TO xianda_app, xianda_platform;

-- At commit, so that this row is the last lock of a transaction and held for no longer than the commit takes.
CREATE FUNCTION raise_tenant_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tenant_version (tenant, version) VALUES (NEW.tenant, 1)
    ON CONFLICT (tenant) DO UPDATE SET version = tenant_version.version + 1;
  RETURN NULL;
END $$;
DO $$
DECLARE table_name text;
BEGIN
  FOREACH table_name IN ARRAY ARRAY['category', 'site', 'carrier', 'leader', 'pickup_point'] LOOP
    EXECUTE format('CREATE CONSTRAINT TRIGGER raise_tenant_version AFTER INSERT OR UPDATE ON %I
                    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION raise_tenant_version()', table_name);
  END LOOP;
END $$;
CREATE CONSTRAINT TRIGGER raise_tenant_version AFTER UPDATE OF time_zone ON tenant DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.time_zone <> NEW.time_zone) EXECUTE FUNCTION raise_tenant_version();

-- The pool's row is made here for a new SKU, so that whoever waits for the SKU hears of it. Writers hold these locks.
CREATE FUNCTION raise_sku_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO stock_pool (tenant, sku, version)
    SELECT DISTINCT tenant, sku, 1 FROM changed ORDER BY tenant, sku
    ON CONFLICT (tenant, sku) DO UPDATE SET version = stock_pool.version + 1;
  RETURN NULL;
END $$;
CREATE TRIGGER raise_version_of_new AFTER INSERT ON sku
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_sku_version();
CREATE TRIGGER raise_version AFTER UPDATE ON sku
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_sku_version();
CREATE TRIGGER raise_version_of_new AFTER INSERT ON sku_component
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_sku_version();

-- Readers add the versions of a bundle's components to its own. One that leaves the recipe leaves its version behind,
-- so that the sum never falls; the writer holds the locks of what leaves as well.
CREATE FUNCTION keep_version_of_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE stock_pool b SET version = b.version + gone.version
    FROM (SELECT r.tenant, r.sku, sum(p.version)::bigint AS version
            FROM removed r JOIN stock_pool p ON p.tenant = r.tenant AND p.sku = r.component_sku
           GROUP BY r.tenant, r.sku) gone
   WHERE b.tenant = gone.tenant AND b.sku = gone.sku;
  RETURN NULL;
END $$;
CREATE TRIGGER keep_version_of_removed AFTER DELETE ON sku_component
  REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION keep_version_of_removed();

-- Whoever writes a quota or a campaign holds the pool of the SKU that it sells.
CREATE FUNCTION raise_version_of_quota() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE stock_pool p SET version = p.version + 1
    FROM (SELECT DISTINCT c.tenant, c.sku FROM changed q
            JOIN presale_campaign c ON c.tenant = q.tenant AND c.campaign_id = q.campaign_id) s
   WHERE p.tenant = s.tenant AND p.sku = s.sku;
  RETURN NULL;
END $$;
CREATE TRIGGER raise_version_of_new AFTER INSERT ON presale_quota
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_version_of_quota();
CREATE TRIGGER raise_version AFTER UPDATE ON presale_quota
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_version_of_quota();
CREATE TRIGGER raise_version_of_removed AFTER DELETE ON presale_quota
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_version_of_quota();

CREATE FUNCTION raise_version_of_campaign() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE stock_pool p SET version = p.version + 1
   WHERE p.tenant = NEW.tenant AND (p.sku = NEW.sku OR (TG_OP = 'UPDATE' AND p.sku = OLD.sku));
  RETURN NULL;
END $$;
CREATE TRIGGER raise_version AFTER INSERT OR UPDATE ON presale_campaign
  FOR EACH ROW EXECUTE FUNCTION raise_version_of_campaign();

-- An open hold's end is moved without a movement, and readers know the instant at which they must look again.
CREATE FUNCTION raise_version_of_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE stock_pool SET version = version + 1 WHERE tenant = NEW.tenant AND sku = NEW.sku;
  RETURN NULL;
END $$;
CREATE TRIGGER raise_version AFTER UPDATE OF expires_at ON hold
  FOR EACH ROW WHEN (OLD.expires_at IS DISTINCT FROM NEW.expires_at AND NEW.state = 'held')
  EXECUTE FUNCTION raise_version_of_hold();

-- When the next unpaid hold of a campaign falls due.
CREATE INDEX quota_hold_due ON quota_hold (tenant, campaign_id, expires_at) WHERE state = 'held';
