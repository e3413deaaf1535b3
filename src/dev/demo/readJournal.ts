import { type ApiClient, forEachAtOnce, problemSlug } from '../seed/apiClient';
import type { MovementView, StockView } from './orderView';
import { type Recount, addRecounts, recountStock } from './recount';
import { sleep } from './stage';

const lanes = 8;
/** Goods may move between reading the journal and reading the balance: such a SKU is read again. */
const readings = 4;

/** Recounts the given SKUs from their whole journal, over the API. Throws when the API refuses. */
export async function recountFromApi(api: ApiClient, key: string, skus: string[]): Promise<Recount> {
  const parts: Recount[] = [];
  await forEachAtOnce(skus, lanes, async (sku) => {
    parts.push(await recountSku(api, key, sku));
  });
  return addRecounts(parts);
}

async function recountSku(api: ApiClient, key: string, sku: string): Promise<Recount> {
  for (let reading = 1; ; reading += 1) {
    const movements = await readAll<MovementView>(api, key, `/v1/stock/movements?sku=${sku}`);
    const stock = await readAll<StockView>(api, key, `/v1/stock?sku=${sku}`);
    const recount = recountStock(movements, stock);
    if (recount.unbalancedLots.length === 0 || reading === readings) return recount;
    await sleep(400);
  }
}

export async function readAll<T>(api: ApiClient, key: string, path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await api.send('GET', `${path}&limit=200${page}`, { key });
    if (answer.status !== 200)
      throw new Error(`GET ${path} answered ${answer.status} ${problemSlug(answer)}`);
    const body = answer.body as { items: T[]; nextCursor: string | null };
    items.push(...body.items);
    cursor = body.nextCursor;
  } while (cursor !== null);
  return items;
}
