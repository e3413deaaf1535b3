import { expectData } from '../../sdk/client';
import { askToCancel } from './money';
import { goOn } from './sell';
import { type Stage, sleep } from './stage';

const tickMs = 500;
const pageSize = 200;

/**
 * The shop reads the feed for those whose turn has come, who then have a fresh window to pay in, and takes out of line
 * whoever has waited long enough; until `isOver` says to stop.
 */
export async function followLine(stage: Stage, isOver: () => boolean): Promise<void> {
  let cursor: string | undefined;
  while (!isOver()) {
    try {
      cursor = await hearTurns(stage, cursor);
    } catch (error) {
      stage.ledger.noteFault(`feed: ${error instanceof Error ? error.message : String(error)}`);
    }
    letImpatientLeave(stage);
    await sleep(tickMs);
  }
}

/** Reads what is new of `order.promoted`; answers where to go on. */
async function hearTurns(stage: Stage, cursor: string | undefined): Promise<string> {
  const { items, nextCursor } = await expectData(
    stage.shop.GET('/v1/events', { params: { query: { type: 'order.promoted', limit: pageSize, cursor } } }),
  );
  for (const { type, data } of items) {
    if (type !== 'order.promoted') continue;
    const entry = stage.ledger.entries.find(({ orderId }) => orderId === data.orderId);
    // of an earlier show, or gone from the line a moment ago
    if (entry?.leavesAtMs === undefined) continue;
    delete entry.leavesAtMs;
    goOn(stage, entry, data.expiresAt);
  }
  return items.length < pageSize ? nextCursor : hearTurns(stage, nextCursor);
}

function letImpatientLeave(stage: Stage): void {
  for (const entry of stage.ledger.entries) {
    if (entry.leavesAtMs === undefined || entry.leavesAtMs > Date.now()) continue;
    delete entry.leavesAtMs;
    stage.act('leaving the line', () => askToCancel(stage, entry, 'waited long enough 不等了'));
  }
}
