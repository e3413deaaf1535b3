/** A part of a list that is asked for: at most `limit` items after a position. */
export interface Page<Position> {
  limit: number;
  /** What the last item of the page before was sorted by; null: from the start. */
  after: Position | null;
}

export interface Slice<Item, Position> {
  items: Item[];
  /** Position of the last item; null on the last page. */
  next: Position | null;
}

/** Cuts a slice from rows that were read with `limit + 1`: the extra one says that there is more. */
export function sliceOf<Row, Item, Position>(
  rows: Row[],
  limit: number,
  map: { item: (row: Row) => Item; position: (row: Row) => Position },
): Slice<Item, Position> {
  const taken = rows.slice(0, limit);
  const last = taken.at(-1);
  return {
    items: taken.map(map.item),
    next: rows.length > limit && last !== undefined ? map.position(last) : null,
  };
}
