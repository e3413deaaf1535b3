import { expectData } from '../../sdk/client';
import type { LedgerEntry } from './ledger';
import { askToCancel } from './money';
import { goOn } from './sell';
import { type Stage, sleep } from './stage';

const tickMs = 500;
const pageSize = 200;

/** What the shop has heard of `order.promoted`: until when each order may be paid. */
interface Turns {
  cursor?: string;
  payableUntil: Map<string, string | undefined>;
}

/**
 * The shop reads the feed for those whose turn has come, who then have a fresh window to pay in, and takes out of line
 * whoever has waited long enough; until `isOver` says to stop.
 */
export async function followLine(stage: Stage, isOver: () => boolean): Promise<void> {
  const turns: Turns = { payableUntil: new Map() };
  while (!isOver()) {
    try {
      while ((await hearTurns(stage, turns)) === pageSize);
    } catch (error) {
      stage.ledger.noteFault(`feed: ${error instanceof Error ? error.message : String(error)}`);
    }
    for (const entry of stage.ledger.entries) moveOn(stage, entry, turns);
    await sleep(tickMs);
  }
}

/** Reads on from where it was; answers how many were read. Those of earlier shows are among them. */
async function hearTurns({ shop }: Stage, turns: Turns): Promise<number> {
  const query = { type: 'order.promoted', limit: pageSize, cursor: turns.cursor } as const;
  const { items, nextCursor } = await expectData(shop.GET('/v1/events', { params: { query } }));
  turns.cursor = nextCursor;
  for (const { type, data } of items)
    if (type === 'order.promoted') turns.payableUntil.set(data.orderId, data.expiresAt);
  return items.length;
}

function moveOn(stage: Stage, entry: LedgerEntry, { payableUntil }: Turns): void {
  const { orderId, leavesAtMs } = entry;
  if (orderId === undefined || leavesAtMs === undefined) return;
  const served = payableUntil.has(orderId);
  if (!served && Date.now() < leavesAtMs) return;
  delete entry.leavesAtMs;
  if (served) goOn(stage, entry, payableUntil.get(orderId));
  else stage.act('leaving the line', () => askToCancel(stage, entry, 'waited long enough 不等了'));
}
