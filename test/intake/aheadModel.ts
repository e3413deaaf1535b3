import type { Database, Row, TenantTx } from '../../src/db/transaction';

/** How a transaction took orders in: planned ahead, or under the locks; and kept, or undone. */
export type Way = 'ahead' | 'aheadUndone' | 'locked' | 'lockedUndone';

export interface Watched {
  db: Database;
  /** Of the transactions that wrote orders, in the order in which they ended. */
  ways: Way[];
}

type Answer = { rows: Row[]; rowCount: number };
type Send = (text: string, values?: readonly unknown[]) => Promise<Answer>;

/** The product's database whose statements go through `through`: to watch them, or to let something happen between two. */
export function queryingThrough(
  db: Database,
  through: (text: string, values: readonly unknown[] | undefined, send: Send) => Promise<Answer>,
): Database {
  return {
    ...db,
    inTenant: (tenant, work) =>
      db.inTenant(tenant, (tx) => {
        const query = (text: string, values?: readonly unknown[]) => through(text, values, tx.query);
        return work({ ...tx, query: query as TenantTx['query'] });
      }),
  };
}

export const writesOrders = (text: string) => text.startsWith('INSERT INTO orders');
export const locksPools = (text: string) => text.includes('FROM stock_pool') && text.includes('FOR UPDATE');

export const readsLots = (text: string) => text.includes('b.on_hand, b.held, b.committed');

/** On purpose or by the database, so that the same work runs again; not what a broken connection lost. */
function isUndone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('40');
}

/** Tells of each transaction whether its orders were written before its locks were had. */
export function watched(db: Database): Watched {
  const ways: Way[] = [];
  return {
    ways,
    db: {
      ...db,
      async inTenant<T>(tenant: string, work: (tx: TenantTx) => Promise<T>): Promise<T> {
        return db.inTenant(tenant, async (tx) => {
          let way: Way | null = null;
          let locked = false;
          const query: TenantTx['query'] = (text, values) => {
            if (locksPools(text)) locked = true;
            if (writesOrders(text)) way = locked ? 'locked' : 'ahead';
            return tx.query(text, values);
          };
          try {
            return await work({ ...tx, query });
          } catch (error) {
            way = isUndone(error) && (way === 'ahead' || way === 'locked') ? `${way}Undone` : null;
            throw error;
          } finally {
            if (way) ways.push(way);
          }
        });
      },
    },
  };
}
