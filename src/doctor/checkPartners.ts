import type { CarrierClient } from '../clients/carriers/client';
import type { BookingView } from '../clients/carriers/sandboxWire';
import type { PaymentClient } from '../clients/payment/client';
import type { RefundView } from '../clients/payment/sandboxWire';
import type { Page } from '../clients/wire';
import type { BookingRow, CoherenceSnapshot, Finding, RefundRow } from '../db/coherence.read';
import type { CoherenceSources, OutsideCheck } from './checkCoherence';

const invariant = 10;

/**
 * Invariant 10 as the partners tell it: each refund and each booking succeeded there at most once, what is confirmed
 * here succeeded there, and nothing succeeded there that nobody here asked for. What changed within the last minute
 * is left alone: a partner's answer may still be on its way.
 */
export async function checkPartners(
  snapshot: Pick<CoherenceSnapshot, 'tenants' | 'refunds' | 'bookings'>,
  { payment, carriers }: Pick<CoherenceSources, 'payment' | 'carriers'>,
): Promise<OutsideCheck> {
  const result: OutsideCheck = { findings: [], rows: { invariant, rowsSeen: 0 }, notLooked: [] };
  const booked = snapshot.bookings.filter((row) => row.baseUrl === carriers?.baseUrl);
  if (snapshot.refunds.length > 0)
    await look(result, 'payment provider', payment && (() => checkRefunds(result, snapshot, payment)));
  // a carrier that is not the sandbox has no list to ask for: its bookings are vouched for by their waybills alone
  if (booked.length > 0 && carriers)
    await look(result, 'carrier', () => checkBookings(result, { ...snapshot, bookings: booked }, carriers));
  return result;
}

async function look(
  result: OutsideCheck,
  partner: string,
  check: (() => Promise<void>) | undefined,
): Promise<void> {
  if (!check) {
    result.notLooked.push({ invariant, reason: `the ${partner} is not known here` });
    return;
  }
  try {
    await check();
  } catch (error) {
    result.notLooked.push({
      invariant,
      reason: `the ${partner} did not answer: ${error instanceof Error ? error.message : 'unknown'}`,
    });
  }
}

function find(tenant: string, subject: string, problem: string, facts: object = {}): Finding {
  return { invariant, tenant, subject, detail: { problem, ...facts } };
}

async function readAll<Item>(readPage: (cursor: string | undefined) => Promise<Page<Item>>): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await readPage(cursor);
    items.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}

/** Groups by a key, so that two of one key are seen as two. */
function groupBy<Item>(items: Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

async function checkRefunds(
  result: OutsideCheck,
  { tenants, refunds }: Pick<CoherenceSnapshot, 'tenants' | 'refunds'>,
  payment: PaymentClient,
): Promise<void> {
  for (const tenant of tenants) {
    const ours = refunds.filter((row) => row.tenant === tenant);
    const theirs = groupBy(
      await readAll((cursor) => payment.listRefunds({ tenant, cursor })),
      (view) => view.refundId,
    );
    for (const row of ours) {
      result.rows.rowsSeen += 1;
      result.findings.push(...judgeRefund(row, theirs.get(row.refundId) ?? []));
      theirs.delete(row.refundId);
    }
    for (const refundId of theirs.keys()) {
      result.findings.push(find(tenant, refundId, 'the provider refunded what nobody here asked for'));
    }
  }
}

function judgeRefund(row: RefundRow, views: RefundView[]): Finding[] {
  const { tenant, refundId } = row;
  const view = views[0];
  if (views.length > 1) return [find(tenant, refundId, 'refunded more than once', { times: views.length })];
  if (view && (view.amountFen !== row.amountFen || view.transactionId !== row.transactionId)) {
    return [
      find(tenant, refundId, 'the provider refunded something else', {
        here: row.amountFen,
        there: view.amountFen,
      }),
    ];
  }
  if (row.young || row.settledByHand) return [];
  if (row.state === 'confirmed' && view?.state !== 'succeeded') {
    return [
      find(tenant, refundId, 'confirmed here, not carried out there', { there: view?.state ?? 'unknown' }),
    ];
  }
  if (row.state === 'requested' && view?.state === 'succeeded') {
    return [find(tenant, refundId, 'carried out there, not confirmed here')];
  }
  return [];
}

async function checkBookings(
  result: OutsideCheck,
  { tenants, bookings }: Pick<CoherenceSnapshot, 'tenants' | 'bookings'>,
  { client, baseUrl }: { client: CarrierClient; baseUrl: string },
): Promise<void> {
  for (const tenant of tenants) {
    const ours = bookings.filter((row) => row.tenant === tenant);
    const listed = await readAll((cursor) => client.listBookings({ baseUrl, request: { tenant, cursor } }));
    const theirs = groupBy(listed, (view) => view.bookingId);
    for (const row of ours) {
      result.rows.rowsSeen += 1;
      result.findings.push(...judgeBooking(row, theirs.get(row.shipmentId) ?? []));
      theirs.delete(row.shipmentId);
    }
    for (const bookingId of theirs.keys()) {
      result.findings.push(find(tenant, bookingId, 'the carrier was booked for a shipment that is not here'));
    }
  }
}

function judgeBooking(row: BookingRow, views: BookingView[]): Finding[] {
  const { tenant, shipmentId } = row;
  const view = views[0];
  if (views.length > 1) return [find(tenant, shipmentId, 'booked more than once', { times: views.length })];
  if (row.young) return [];
  if (row.state === 'cancelled') {
    if (!view || view.state === 'cancelled' || row.parked) return [];
    return [find(tenant, shipmentId, 'cancelled here, still booked there', { there: view.state })];
  }
  if (!row.booked) return [];
  if (!view || view.state === 'cancelled') {
    return [find(tenant, shipmentId, 'booked here, not booked there', { there: view?.state ?? 'unknown' })];
  }
  const waybills = view.waybills.map((each) => each.waybillNo).sort();
  if (JSON.stringify(waybills) === JSON.stringify([...row.waybills].sort())) return [];
  return [
    find(tenant, shipmentId, 'other waybills than the carrier gave', { here: row.waybills, there: waybills }),
  ];
}
