import { createHash } from 'node:crypto';
import {
  type PlanOutcome,
  planFulfilment,
  recordBooking,
  recordShipmentEvent,
} from '../../src/db/fulfilment';
import { type Booking, bookPayment } from '../../src/db/payment';
import { createPersonalData } from '../../src/db/personalData';
import type { Database } from '../../src/db/transaction';
import type { ShipmentRank } from '../../src/domain/fulfilment/model';
import { createIntake, type Intake } from '../../src/intake/intake';
import type { IntakeAnswer, IntakeLine, IntakeRequest } from '../../src/intake/model';
import { asApplication, asSuperuser, type TestDatabaseUrl } from './fixtures';

/** Orders at every stage, each brought there by the product's own functions. Imported by way of fixtures.ts. */

/** The product's intake over a pool of the caller's, with the default hold of 30 minutes. */
export function intakeOver(db: Database, { paymentWindowSeconds = 1800 } = {}): Intake {
  const personalData = createPersonalData([{ id: 'test', key: Buffer.alloc(32, 'test') }]);
  return createIntake({ db, personalData, paymentWindowSeconds });
}

export interface GivenOrder {
  externalId?: string;
  /** Units by SKU, or whole lines. */
  lines?: Record<string, number> | IntakeLine[];
  buyer?: Partial<IntakeRequest['buyer']>;
  deliveryMethod?: IntakeRequest['deliveryMethod'];
  payment?: IntakeRequest['payment'];
  liveSessionId?: string;
  notes?: IntakeRequest['notes'];
  acceptLater?: boolean;
  paymentWindowSeconds?: number;
}

let orders = 0;

/** The body of an order: one `apple` by express to a buyer in `garden`, channel `shop`. */
export function orderRequest(given: GivenOrder = {}): IntakeRequest {
  orders += 1;
  const lines = given.lines ?? { apple: 1 };
  return {
    channel: 'shop',
    externalId: given.externalId ?? `order-${orders}`,
    buyer: {
      ref: `buyer-${orders}`,
      communityId: 'garden',
      name: 'Li',
      phone: '13800000000',
      ...given.buyer,
    },
    deliveryMethod: given.deliveryMethod,
    lines: Array.isArray(lines) ? lines : Object.entries(lines).map(([sku, quantity]) => ({ sku, quantity })),
    payment: given.payment,
    liveSessionId: given.liveSessionId,
    notes: given.notes,
    acceptLater: given.acceptLater,
  };
}

/** Hands an order to the product's intake, whatever comes of it. */
export async function placeOrder(
  where: TestDatabaseUrl,
  tenant: string,
  given: GivenOrder = {},
): Promise<IntakeAnswer> {
  return asApplication(where, (db) => intakeOver(db, given).place(tenant, orderRequest(given), 'test'));
}

/** An accepted order that awaits payment. Answers its id and total; throws when it was refused. */
export async function givenOrder(
  where: TestDatabaseUrl,
  tenant: string,
  given: GivenOrder = {},
): Promise<{ orderId: string; totalFen: number }> {
  const answer = await placeOrder(where, tenant, given);
  if (answer.kind !== 'accepted') throw new Error(`the order was not accepted: ${JSON.stringify(answer)}`);
  return { orderId: answer.answer.orderId, totalFen: answer.answer.totalFen };
}

export interface GivenPayment {
  orderId: string;
  amountFen: number;
  transactionId?: string;
  notificationId?: string;
}

/** A payment notification, booked by the product's own function. */
export async function givenPayment(
  where: TestDatabaseUrl,
  tenant: string,
  given: GivenPayment,
): Promise<Booking['kind']> {
  const transactionId = given.transactionId ?? `t-${given.orderId}`;
  const notificationId = given.notificationId ?? `n-${transactionId}`;
  const booking = await asApplication(where, (db) =>
    bookPayment(db, {
      tenant,
      provider: 'sandbox',
      notificationId,
      transactionId,
      orderId: given.orderId,
      amountFen: given.amountFen,
      paidAt: new Date(),
      bodyDigest: createHash('sha256')
        .update(JSON.stringify([transactionId, given.orderId, given.amountFen]))
        .digest(),
    }),
  );
  return booking.kind;
}

/** An order that is placed and paid, not planned yet. */
export async function givenPaidOrder(
  where: TestDatabaseUrl,
  tenant: string,
  given: GivenOrder = {},
): Promise<{ orderId: string; totalFen: number }> {
  const order = await givenOrder(where, tenant, given);
  const booking = await givenPayment(where, tenant, { orderId: order.orderId, amountFen: order.totalFen });
  if (booking !== 'booked') throw new Error(`the payment was not booked: ${booking}`);
  return order;
}

type Planned = Extract<PlanOutcome, { kind: 'planned' }>['shipments'];

/** A paid order whose shipments are planned, and booked where `booked` says so. Answers them too. */
export async function givenPlannedOrder(
  where: TestDatabaseUrl,
  tenant: string,
  given: GivenOrder & { booked?: boolean } = {},
): Promise<{ orderId: string; totalFen: number; shipments: Planned }> {
  const order = await givenPaidOrder(where, tenant, given);
  const plan = await asApplication(where, (db) => planFulfilment(db, { tenant, orderId: order.orderId }));
  if (plan.kind !== 'planned') throw new Error(`the order was not planned: ${JSON.stringify(plan)}`);
  if (given.booked)
    for (const { shipmentId } of plan.shipments) await givenBooking(where, tenant, shipmentId);
  return { ...order, shipments: plan.shipments };
}

/** Waybills as a carrier would give them (`w-<parcelId>`). */
export async function givenBooking(
  where: TestDatabaseUrl,
  tenant: string,
  shipmentId: string,
): Promise<void> {
  const parcels = await asSuperuser<{ parcel_id: string }>(
    where,
    'SELECT parcel_id FROM parcel WHERE tenant = $1 AND shipment_id = $2',
    [tenant, shipmentId],
  );
  const waybills = parcels.map(({ parcel_id }) => ({ parcelId: parcel_id, waybillNo: `w-${parcel_id}` }));
  await asApplication(where, (db) => recordBooking(db, { tenant, shipmentId, waybills }));
}

let events = 0;

/** Something happened to a shipment, told by people. */
export async function givenShipmentEvent(
  where: TestDatabaseUrl,
  tenant: string,
  given: { shipmentId: string; kind: ShipmentRank; eventId?: string },
): Promise<void> {
  events += 1;
  const eventId = given.eventId ?? `event-${events}`;
  const bodyDigest = createHash('sha256').update(JSON.stringify(given)).digest();
  await asApplication(where, (db) =>
    recordShipmentEvent(db, {
      tenant,
      source: 'people',
      eventId,
      shipmentId: given.shipmentId,
      kind: given.kind,
      at: new Date(),
      bodyDigest,
    }),
  );
}
