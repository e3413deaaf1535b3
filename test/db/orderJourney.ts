import { createHash, randomBytes } from 'node:crypto';
import { type CancelAnswer, cancelOrder } from '../../src/db/cancel';
import { planFulfilment } from '../../src/db/fulfilment';
import { decideLateMoney } from '../../src/db/lateMoney';
import { bookPayment } from '../../src/db/payment';
import { createPersonalData } from '../../src/db/personalData';
import {
  recordShipmentEvent,
  type ShipmentEvent,
  type ShipmentEventAnswer,
} from '../../src/db/shipmentEvent';
import type { Database } from '../../src/db/transaction';
import { createIntake } from '../../src/intake/intake';
import type { AcceptedOrder, IntakeAnswer, IntakeRequest } from '../../src/intake/model';
import type { TestDatabase } from '../support/database';
import { givenCampaign, givenNetwork, givenSku, givenStock, givenTenant } from '../support/fixtures';

export const personalData = createPersonalData([{ id: 'test', key: randomBytes(32) }]);

let orders = 0;
let events = 0;

export function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** One tenant's shop with goods in every zone, and the steps of an order's life through the product's own doors. */
export interface Journey {
  tenant: string;
  db: Database;
  place(request?: Partial<IntakeRequest>): Promise<AcceptedOrder>;
  tryPlace(request?: Partial<IntakeRequest>): Promise<IntakeAnswer>;
  pay(order: AcceptedOrder, transactionId?: string, amountFen?: number): Promise<string>;
  /** Placed, paid and planned; answers the order's id and its shipments' ids. */
  planned(
    request?: Partial<IntakeRequest>,
  ): Promise<{ orderId: string; shipments: string[]; totalFen: number }>;
  tell(event: Partial<ShipmentEvent> & Pick<ShipmentEvent, 'kind'>): Promise<ShipmentEventAnswer>;
  cancel(orderId: string): Promise<CancelAnswer | null>;
}

/**
 * apple (ambient), milk (chilled), ice (frozen) with 100 units each at `central`, crab (special), and pear, which is
 * sold on presale only (campaign `early`, 10 units in region `east`).
 */
export async function givenJourney(database: TestDatabase): Promise<Journey> {
  const tenant = await givenTenant(database);
  await givenNetwork(database, tenant);
  const zoned = { apple: 'ambient', milk: 'chilled', ice: 'frozen', crab: 'special' } as const;
  for (const [sku, zone] of Object.entries(zoned)) {
    await givenSku(database, tenant, { sku, zone, priceFen: 1000 });
    await givenStock(database, tenant, { sku });
  }
  await givenSku(database, tenant, { sku: 'pear', priceFen: 500 });
  await givenCampaign(database, tenant, { sku: 'pear' });
  const db = database.as('xianda_app');
  const intake = createIntake({ db, personalData, paymentWindowSeconds: 1800 });

  async function tryPlace(request: Partial<IntakeRequest> = {}) {
    orders += 1;
    return intake.place(
      tenant,
      {
        channel: 'shop',
        externalId: `e-${orders}`,
        buyer: { ref: `buyer-${orders}`, communityId: 'garden' },
        lines: [{ sku: 'apple', quantity: 2 }],
        ...request,
      },
      'test',
    );
  }

  async function place(request: Partial<IntakeRequest> = {}) {
    const answer = await tryPlace(request);
    if (answer.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(answer)}`);
    return answer.answer;
  }

  async function pay(order: AcceptedOrder, transactionId = `t-${order.orderId}`, amountFen = order.totalFen) {
    const booked = await bookPayment(db, {
      tenant,
      provider: 'sandbox',
      notificationId: `n-${transactionId}`,
      transactionId,
      orderId: order.orderId,
      amountFen,
      paidAt: new Date(),
      bodyDigest: digestOf(transactionId),
    });
    return booked.kind;
  }

  return {
    tenant,
    db,
    place,
    tryPlace,
    pay,
    async planned(request) {
      const order = await place(request);
      if (order.state !== 'paid') await pay(order);
      const plan = await planFulfilment(db, { tenant, orderId: order.orderId });
      if (plan.kind !== 'planned') throw new Error(`not planned: ${JSON.stringify(plan)}`);
      const shipments = plan.shipments.map((shipment) => shipment.shipmentId);
      return { orderId: order.orderId, shipments, totalFen: order.totalFen };
    },
    tell(event) {
      events += 1;
      const eventId = event.eventId ?? `ev-${events}`;
      return recordShipmentEvent(db, {
        tenant,
        source: 'test',
        eventId,
        at: new Date('2026-11-24T08:00:00Z'),
        bodyDigest: digestOf(eventId),
        ...event,
      });
    },
    cancel: (orderId) => cancelOrder(db, { tenant, orderId, reason: 'changed my mind', actor: 'buyer' }),
  };
}

/** Everything about an order that a test compares, as the superuser sees it. */
export async function orderFacts(database: TestDatabase, orderId: string) {
  const [order] = await database.query<{
    state: string;
    paid: number;
    refunded: number;
    late: string | null;
  }>(
    `SELECT state, paid_fen::integer AS paid, refunded_fen::integer AS refunded, late_outcome AS late
       FROM orders WHERE order_id = $1`,
    [orderId],
  );
  const shipments = await database.query<{ state: string }>(
    'SELECT state FROM shipment WHERE order_id = $1 ORDER BY shipment_id',
    [orderId],
  );
  const attention = await database.query<{ reason: string }>(
    'SELECT reason FROM attention WHERE order_id = $1 AND resolved_at IS NULL ORDER BY reason',
    [orderId],
  );
  const refunds = await database.query<{ amount: number }>(
    'SELECT amount_fen::integer AS amount FROM refund WHERE order_id = $1 ORDER BY amount_fen',
    [orderId],
  );
  return {
    ...order,
    shipments: shipments.map((row) => row.state),
    attention: attention.map((row) => row.reason),
    refunds: refunds.map((row) => row.amount),
  };
}

/** Units of a tenant's SKU over all sites and lots: [on hand, held, committed]. */
export async function balanceOf(database: TestDatabase, tenant: string, sku: string): Promise<number[]> {
  const [row] = await database.query<{ on_hand: number; held: number; committed: number }>(
    `SELECT sum(on_hand)::integer AS on_hand, sum(held)::integer AS held, sum(committed)::integer AS committed
       FROM stock_balance WHERE tenant = $1 AND sku = $2`,
    [tenant, sku],
  );
  return [row?.on_hand ?? 0, row?.held ?? 0, row?.committed ?? 0];
}

/** [units, held, sold] of the journey's campaign. */
export async function quotaOf(database: TestDatabase, tenant: string): Promise<number[]> {
  const [row] = await database.query<{ units: number; held: number; sold: number }>(
    'SELECT units::integer, held::integer, sold::integer FROM presale_quota WHERE tenant = $1',
    [tenant],
  );
  return [row?.units ?? 0, row?.held ?? 0, row?.sold ?? 0];
}

/** Millilitres taken at all points of a tenant. */
export async function litresOf(database: TestDatabase, tenant: string): Promise<number> {
  const [row] = await database.query<{ taken: number }>(
    'SELECT coalesce(sum(millilitres), 0)::integer AS taken FROM point_load WHERE tenant = $1',
    [tenant],
  );
  return row?.taken ?? 0;
}

/** Messages in the outbox about a subject, in the order they were written. */
export async function outboxOf(
  database: TestDatabase,
  subject: string,
): Promise<{ kind: string; stage?: string }[]> {
  return (
    await database.query<{ kind: string; stage: string | null }>(
      `SELECT kind, payload ->> 'stage' AS stage FROM outbox WHERE subject = $1 ORDER BY outbox_id`,
      [subject],
    )
  ).map(({ kind, stage }) => (stage === null ? { kind } : { kind, stage }));
}

/** What the money workflows would do next: decides every late and surplus payment. */
export async function decideMoney(database: TestDatabase): Promise<void> {
  const undecided = await database.query<{ tenant: string; provider: string; transactionId: string }>(
    `SELECT tenant, provider, transaction_id AS "transactionId" FROM payment WHERE state IN ('late', 'surplus')`,
  );
  for (const money of undecided) await decideLateMoney(database.as('xianda_app'), money);
}
