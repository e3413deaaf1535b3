-- Up Migration
-- In whose words the Temporal Web UI shows a tenant's orders; and what dispatch tells it of presale orders.
ALTER TABLE tenant ADD COLUMN language text NOT NULL DEFAULT 'zh' CHECK (language IN ('zh', 'en'));

CREATE POLICY dispatch_reads_all ON order_line FOR SELECT TO xianda_dispatch USING (true);
GRANT SELECT (tenant, order_id, campaign_id) ON order_line TO xianda_dispatch;
