-- Up Migration
-- What becomes of a presale line is told to the outside: the buyer's answer, the new promise, the line given up, the goods.

CREATE OR REPLACE FUNCTION outbound_type(kind text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
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
    WHEN 'offerAnswered' THEN 'order.offerAnswered'
    WHEN 'repromised' THEN 'order.repromised'
    WHEN 'lineCancelled' THEN 'order.lineCancelled'
    WHEN 'goodsArrived' THEN 'order.goodsArrived'
  END
$$;

-- Lines from before are told now, under the time they happened at: the feed says what the timeline says (I16). Orders
-- older than the feed stay out of it.
INSERT INTO event (tenant, type, subject, at, data)
  SELECT l.tenant, outbound_type(l.kind), l.order_id, l.at, coalesce(l.detail, '{}') FROM order_event l
   WHERE l.kind IN ('offerAnswered', 'repromised', 'lineCancelled', 'goodsArrived')
     AND EXISTS (SELECT 1 FROM event e WHERE e.tenant = l.tenant AND e.type = 'order.placed' AND e.subject = l.order_id)
   ORDER BY l.event_id;
