export interface Shop {
  /** Resolves once the order is safe, whatever that means for this peer; throws when it was not taken. */
  place(orderId: string): Promise<unknown>;
  count(): Promise<number>;
  close(): Promise<void>;
}
export function sellThrough(open: (databaseUrl: string) => Promise<Shop>): Promise<void>;
