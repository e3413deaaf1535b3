-- Up Migration
-- The report of a live session begins at its orders, whatever else the tenant sells.
CREATE INDEX orders_by_live_session ON orders (tenant, live_session_id, created_at) WHERE live_session_id IS NOT NULL;
