import { problemSlug } from '../seed/apiClient';
import type { ShipmentView } from './orderView';
import { type Stage, sleep } from './stage';

/** Milliseconds between the steps of a run, on the show's fast clock. */
const pauses = { pickedUp: 1_500, atPickupPoint: 2_500, delivered: 3_500 };
const askEveryMs = 1_000;
const warehouseSteps = ['pickedUp'] as const;
const leaderSteps = ['atPickupPoint', 'delivered'] as const;

/**
 * Plays the warehouse and the team leaders: takes every booked leader run of the show from the picking list, sees it
 * off, and has its leader receive it at the point and hand it over (核销). Carriers' shipments need nobody.
 */
export async function runForLeaders(stage: Stage, isOver: () => boolean): Promise<void> {
  const taken = new Set<string>();
  while (!isOver()) {
    try {
      for await (const shipment of listShipments(stage, 'booked')) {
        if (!('leaderId' in shipment.via) || taken.has(shipment.shipmentId) || !isOfShow(stage, shipment))
          continue;
        taken.add(shipment.shipmentId);
        const { leaderId } = shipment.via;
        stage.act('leader run', () => carry(stage, shipment, leaderId));
      }
    } catch (error) {
      stage.ledger.noteFault(`shipments: ${error instanceof Error ? error.message : String(error)}`);
    }
    await sleep(askEveryMs);
  }
}

async function* listShipments({ api, keys }: Stage, state: string): AsyncGenerator<ShipmentView> {
  let cursor: string | null = null;
  do {
    const page: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await api.send('GET', `/v1/shipments?state=${state}&limit=200${page}`, {
      key: keys.warehouse,
    });
    if (answer.status !== 200)
      throw new Error(`GET shipments answered ${answer.status} ${problemSlug(answer)}`);
    const { items, nextCursor } = answer.body as { items: ShipmentView[]; nextCursor: string | null };
    yield* items;
    cursor = nextCursor;
  } while (cursor !== null);
}

/** A shipment's id is its order's id and a number. */
function isOfShow({ ledger }: Stage, { shipmentId }: ShipmentView): boolean {
  const orderId = shipmentId.slice(0, shipmentId.lastIndexOf('.'));
  return ledger.entries.some((entry) => entry.orderId === orderId);
}

async function carry(stage: Stage, shipment: ShipmentView, leaderId: string): Promise<void> {
  for (const kind of warehouseSteps) {
    await sleep(pauses[kind]);
    if (!(await report(stage, { shipment, kind, key: stage.keys.warehouse }))) return;
  }
  const leaderKey = stage.leaderKeys[leaderId] ?? stage.keys.ops;
  for (const kind of leaderSteps) {
    await sleep(pauses[kind]);
    if (!(await report(stage, { shipment, kind, key: leaderKey }))) return;
  }
}

/** False: the shipment was cancelled meanwhile, or the report was refused for another reason, which is noted. */
async function report(
  { api, ledger }: Stage,
  { shipment, kind, key }: { shipment: ShipmentView; kind: string; key: string },
): Promise<boolean> {
  const answer = await api.send('POST', `/v1/shipments/${shipment.shipmentId}/events`, {
    key,
    body: {
      eventId: `${shipment.shipmentId}.${kind}`,
      kind,
      at: new Date().toISOString(),
      ...(shipment.zone === 'ambient' ? {} : { temperatureC: shipment.zone === 'frozen' ? -19.5 : 2.8 }),
    },
  });
  if (answer.status < 300) return true;
  if (answer.status !== 409) ledger.noteFault(`${kind} answered ${answer.status} ${problemSlug(answer)}`);
  return false;
}
