import type { MovementView, StockView } from './orderView';

export interface Recount {
  movements: number;
  lots: number;
  /** Units promised beyond what was there, at the worst instant of each site and lot. */
  oversoldUnits: number;
  /** Lots whose journal does not add up to the balance that the API shows. */
  unbalancedLots: string[];
}

const nothing = { onHand: 0, held: 0, committed: 0, quarantined: 0 };

/**
 * Counts the stock again from the first receipt on: replays every movement of the journal in order for each (site, SKU,
 * lot), looks for any instant at which more was promised than was there, and compares the end with `GET /v1/stock`.
 */
export function recountStock(movementsNewestFirst: MovementView[], stock: StockView[]): Recount {
  const running = new Map<string, typeof nothing>();
  const worst = new Map<string, number>();
  for (let index = movementsNewestFirst.length - 1; index >= 0; index -= 1) {
    const movement = movementsNewestFirst[index] as MovementView;
    const key = lotKey(movement);
    const before = running.get(key) ?? nothing;
    const after = {
      onHand: before.onHand + movement.onHand,
      held: before.held + movement.held,
      committed: before.committed + movement.committed,
      quarantined: before.quarantined + movement.quarantined,
    };
    running.set(key, after);
    worst.set(key, Math.max(worst.get(key) ?? 0, overdraw(after)));
  }
  const shown = new Map(stock.map((item) => [lotKey(item), item]));
  const unbalancedLots = [...new Set([...running.keys(), ...shown.keys()])].filter((key) => {
    const counted = running.get(key) ?? nothing;
    const said = shown.get(key) ?? nothing;
    return (Object.keys(nothing) as Array<keyof typeof nothing>).some(
      (field) => counted[field] !== said[field],
    );
  });
  return {
    movements: movementsNewestFirst.length,
    lots: running.size,
    oversoldUnits: [...worst.values()].reduce((sum, units) => sum + units, 0),
    unbalancedLots,
  };
}

function overdraw({ onHand, held, committed, quarantined }: typeof nothing): number {
  const promised = Math.max(0, held) + Math.max(0, committed) + Math.max(0, quarantined);
  const belowZero =
    Math.max(0, -onHand) + Math.max(0, -held) + Math.max(0, -committed) + Math.max(0, -quarantined);
  return Math.max(0, promised - Math.max(0, onHand)) + belowZero;
}

function lotKey({ siteId, sku, lotId }: { siteId: string; sku: string; lotId: string }): string {
  return `${siteId} ${sku} ${lotId}`;
}

export function addRecounts(parts: Recount[]): Recount {
  return {
    movements: parts.reduce((sum, part) => sum + part.movements, 0),
    lots: parts.reduce((sum, part) => sum + part.lots, 0),
    oversoldUnits: parts.reduce((sum, part) => sum + part.oversoldUnits, 0),
    unbalancedLots: parts.flatMap((part) => part.unbalancedLots),
  };
}
