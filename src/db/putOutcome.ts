/** What became of replacing a part of the catalogue or network. `path` is the field of the body at fault. */
export type PutOutcome =
  | { kind: 'stored' }
  /** The change would break what stands: stock, open orders, shipments, loads. */
  | { kind: 'inUse'; because: string }
  | { kind: 'unknownReference'; path: string; id: string }
  | { kind: 'bundleInBundle'; path: string; id: string };

export const stored: PutOutcome = { kind: 'stored' };
