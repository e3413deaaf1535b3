/** One change of what can be sold. Readers begin to see it at some moment of [from, until], in milliseconds. */
export interface BalanceChange {
  units: number;
  from: number;
  until: number;
}

/** What a SKU had to sell, over time; its changes stand in the order of their commits. */
export interface BalanceHistory {
  opening: number;
  changes: readonly BalanceChange[];
}

/** A request that was told "sold out", on the same clock as the history. */
export interface Refusal {
  sentAt: number;
  answeredAt: number;
  quantity: number;
}

/**
 * A refusal is false when every state the balance had between request and answer could have served it. A state
 * counts as had if it may have been seen in that time, so that what the clocks cannot tell apart accuses nobody.
 */
export function findFalseRefusals<Each extends Refusal>(
  { opening, changes }: BalanceHistory,
  refusals: readonly Each[],
): Each[] {
  const states = [opening];
  for (const { units } of changes) states.push((states.at(-1) as number) + units);
  return refusals.filter(({ sentAt, answeredAt, quantity }) => {
    // state k was made by change k − 1 and unmade by change k
    const first = firstIndex(changes.length, (index) => (changes[index] as BalanceChange).until >= sentAt);
    const afterLast = firstIndex(
      changes.length,
      (index) => (changes[index] as BalanceChange).from > answeredAt,
    );
    return states.slice(first, afterLast + 1).every((sellable) => sellable >= quantity);
  });
}

/** The first index below `length` at which a condition holds that goes on to hold, else `length`. */
function firstIndex(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** One batch of the journal: what it did to one SKU, and for whom. */
export interface JournalBatch {
  units: number;
  /** When its first movement was written: under the SKU's lock, before its commit. */
  writtenAt: number;
  /** When each caller was told what this batch did for it; none for what the house did by itself. */
  toldAt: readonly number[];
}

/**
 * The history that a SKU's journal tells. Writers of one SKU queue for its lock, which they keep until they have
 * committed: so a batch became visible after it was written, before the next one was, and before anybody was told.
 */
export function readHistory(opening: number, batches: readonly JournalBatch[]): BalanceHistory {
  const sorted = [...batches].sort((a, b) => a.writtenAt - b.writtenAt);
  const changes = sorted.map(({ units, writtenAt, toldAt }, index) => {
    const next = sorted[index + 1]?.writtenAt ?? Number.POSITIVE_INFINITY;
    const until = toldAt.reduce((earliest, at) => Math.min(earliest, at), next);
    return { units, from: writtenAt, until };
  });
  return { opening, changes };
}
