import type { Holder } from '../domain/order/admissionLedger';
import type { Destination, OrderState, PlannedLine } from '../domain/order/model';
import type { AdmissionSubject } from './admission';
import { type Facts, readFacts } from './facts';
import type { TenantTx } from './transaction';

/** An order as it was placed, to be admitted again: held anew after its hold has ended, or when its turn comes. */
export interface PlacedOrder {
  state: OrderState;
  run: number;
  totalFen: number;
  deliverBy: Date;
  pickupPointId: string | null;
  holder: Holder;
  /** Who asks for what, counted on the day it was placed and not against itself. */
  subject: AdmissionSubject;
  /** The catalogue and the network as they are now. */
  facts: Facts;
}

interface OrderRow {
  state: OrderState;
  run: number;
  total_fen: number;
  channel: string;
  buyer_ref: string;
  community_id: string | null;
  pickup_point_id: string | null;
  region: string | null;
  lat: number | null;
  lng: number | null;
  delivery_method: Destination['deliveryMethod'];
  window_from: Date | null;
  window_to: Date | null;
  deliver_by: Date;
  live_session_id: string | null;
  placed_on: string;
}

/** Reads it without a lock: what was sold, to whom and where to never changes, its state and run may. */
export async function readPlacedOrder(tx: TenantTx, orderId: string): Promise<PlacedOrder> {
  const order = await findOrder(tx, orderId);
  const lines = await findLines(tx, orderId);
  return {
    state: order.state,
    run: order.run,
    totalFen: order.total_fen,
    deliverBy: order.deliver_by,
    pickupPointId: order.pickup_point_id,
    holder: { channel: order.channel, buyerRef: order.buyer_ref },
    subject: {
      lines,
      destination: destinationOf(order),
      purchase: { buyerRef: order.buyer_ref, liveSessionId: order.live_session_id },
      placedOn: order.placed_on,
      exceptOrderId: orderId,
    },
    facts: await readFacts(
      tx,
      lines.flatMap((line) => [line.sku, ...line.components.map((part) => part.sku)]),
    ),
  };
}

function destinationOf(order: OrderRow): Destination {
  return {
    deliveryMethod: order.delivery_method,
    location: order.lat === null || order.lng === null ? null : { lat: order.lat, lng: order.lng },
    communityId: order.community_id,
    region: order.region,
    pickupPointId: order.pickup_point_id,
    window:
      order.window_from && order.window_to
        ? { from: order.window_from.getTime(), to: order.window_to.getTime() }
        : null,
  };
}

async function findOrder(tx: TenantTx, orderId: string): Promise<OrderRow> {
  const { rows } = await tx.query<OrderRow>(
    `SELECT state, run, total_fen, channel, buyer_ref, community_id, pickup_point_id, region, lat, lng, delivery_method,
            window_from, window_to, deliver_by, live_session_id, placed_on
       FROM orders WHERE tenant = $1 AND order_id = $2`,
    [tx.tenant, orderId],
  );
  if (!rows[0]) throw new Error('the order does not exist');
  return rows[0];
}

async function findLines(tx: TenantTx, orderId: string): Promise<PlannedLine[]> {
  const { rows } = await tx.query<PlannedLine>(
    `SELECT line_id AS "lineId", sku, quantity, supply, campaign_id AS "campaignId", components
       FROM order_line WHERE tenant = $1 AND order_id = $2 ORDER BY position`,
    [tx.tenant, orderId],
  );
  return rows;
}
