import { type Page, type Slice, sliceOf } from './page';
import type { TenantTx } from './transaction';

/** How one kind of named thing (SKU, site, leader …) is read: its table, its id column, and its JSON. */
export interface NamedSource {
  table: string;
  id: string;
  /** SQL of a JSON object over the table's row `t`; null fields are left out. */
  json: string;
}

interface NamedRow {
  id: string;
  body: unknown;
}

function select({ table, id, json }: NamedSource): string {
  return `SELECT t.${id} AS id, json_strip_nulls(${json}) AS body FROM ${table} t WHERE t.tenant = $1`;
}

/** One thing by its id, in the shape of `source.json`; null when the tenant has none. */
export async function findNamed<T>(tx: TenantTx, source: NamedSource, id: string): Promise<T | null> {
  const { rows } = await tx.query<NamedRow>(`${select(source)} AND t.${source.id} = $2`, [tx.tenant, id]);
  return (rows[0]?.body as T | undefined) ?? null;
}

/** Things in the order of their ids, byte by byte. */
export async function listNamed<T>(
  tx: TenantTx,
  source: NamedSource,
  page: Page<string>,
): Promise<Slice<T, string>> {
  const key = `t.${source.id} COLLATE "C"`;
  const { rows } = await tx.query<NamedRow>(
    `${select(source)} AND ($2::text IS NULL OR ${key} > $2) ORDER BY ${key} LIMIT $3 + 1`,
    [tx.tenant, page.after, page.limit],
  );
  return sliceOf(rows, page.limit, { item: (row) => row.body as T, position: (row) => row.id });
}
