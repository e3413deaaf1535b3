import { type LedgerEntry, isSettled } from './ledger';
import type { OrderView } from './orderView';
import { type Stage, sleep } from './stage';

/** Looks per second while the show sells, and afterwards: the demo must not be the load it measures. */
const looksPerSecond = { selling: 8, after: 48 };
const tickMs = 250;
/** No order is looked at more often. */
const restMs = { selling: 10_000, after: 3_000 };

/** Looks at every acknowledged order again and again until it has settled or `isOver` says to stop. */
export async function followOrders(stage: Stage, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const phase = Date.now() < stage.startsAtMs + stage.show.durationMs ? 'selling' : 'after';
    const due = stage.ledger.entries
      .filter((entry) => entry.orderId !== undefined && !isSettled(entry))
      .filter((entry) => Date.now() - entry.viewedAtMs >= restMs[phase])
      .sort((a, b) => a.viewedAtMs - b.viewedAtMs)
      .slice(0, (looksPerSecond[phase] * tickMs) / 1000);
    await Promise.all([...due.map((entry) => lookAt(stage, entry)), sleep(tickMs)]);
  }
}

/** Reads the order once; a 404 for an acknowledged order is the worst thing there is, so it is asked twice. */
export async function lookAt(stage: Stage, entry: LedgerEntry): Promise<void> {
  entry.viewedAtMs = Date.now();
  try {
    const view = (await read(stage, entry)) ?? (await read(stage, entry));
    if (!view) entry.missing = true;
    else {
      entry.view = view;
      delete entry.missing;
      await answerOffers(stage, entry, view);
    }
  } catch (error) {
    stage.ledger.noteFault(`look: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function read({ shop }: Stage, { orderId = '' }: LedgerEntry): Promise<OrderView | null> {
  const { data, response } = await shop.GET('/v1/orders/{orderId}', { params: { path: { orderId } } });
  if (data) return data;
  if (response.status === 404) return null;
  throw new Error(`GET order answered ${response.status}`);
}

/** Every second buyer takes what is offered. */
async function answerOffers({ shop }: Stage, entry: LedgerEntry, view: OrderView): Promise<void> {
  for (const { offerId } of view.offers) {
    await shop.POST('/v1/orders/{orderId}/offers/{offerId}/answer', {
      params: { path: { orderId: view.orderId, offerId } },
      body: { accept: entry.plan.atMs % 2 === 0 },
    });
  }
}
