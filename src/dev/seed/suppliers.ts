import { setTimeout as sleep } from 'node:timers/promises';
import { loadBaskets } from '../demo/baskets';
import { type ApiClient, createApiClient, forEachAtOnce } from './apiClient';
import { planHistory } from './planHistory';
import type { SeedCommunity, SeedSupplier } from './seedModel';

export interface SupplierWork {
  api: ApiClient;
  apiUrl: string;
  supplierUrl: string;
  tenant: string;
  ops: string;
  /** Makes a key of a supplier. */
  makeKey(supplierId: string): Promise<string>;
  /** Sends and insists on success. */
  done(method: 'PUT' | 'POST', path: string, body: unknown): Promise<unknown>;
}

/** Of one body; some megabytes. */
const rowsAtOnce = 10_000;
const pauseMs = 500;
const scheduleWithinMs = 60_000;

/** By this name the sandbox supplier knows whose webhooks it takes. */
function accountOf(tenant: string, supplierId: string): string {
  return `${tenant}:${supplierId}`;
}

/**
 * Makes the demo's suppliers partners that can be reached: each has its webhook address, a secret and a key, which the
 * sandbox supplier is told as a person there would type them in.
 */
export async function connectSuppliers(
  work: SupplierWork,
  suppliers: readonly SeedSupplier[],
): Promise<void> {
  const sandbox = createApiClient(work.supplierUrl, 2);
  try {
    for (const { supplierId, ...body } of suppliers) {
      const accountId = accountOf(work.tenant, supplierId);
      const webhookUrl = `${work.supplierUrl}/webhooks/${encodeURIComponent(accountId)}`;
      await work.done('PUT', `/v1/suppliers/${supplierId}`, { ...body, webhookUrl });
      const made = await work.done('POST', `/v1/suppliers/${supplierId}/webhook-secrets`, {});
      const account = {
        apiUrl: work.apiUrl,
        key: await work.makeKey(supplierId),
        secrets: [(made as { secret: string }).secret],
      };
      const answer = await sandbox.send('PUT', `/v1/accounts/${encodeURIComponent(accountId)}`, {
        body: account,
      });
      if (answer.status !== 200)
        throw new Error(`the sandbox supplier refused its account: ${answer.status}`);
    }
  } finally {
    sandbox.close();
  }
}

/** Brings along what the brand sold in the weeks before, as a brand would from its spreadsheet. */
export async function bringHistory(
  work: SupplierWork,
  { communities, today }: { communities: readonly SeedCommunity[]; today: string },
): Promise<void> {
  const rows = planHistory({ baskets: loadBaskets().baskets, communities, today });
  const parts = Array.from({ length: Math.ceil(rows.length / rowsAtOnce) }, (_, part) =>
    rows.slice(part * rowsAtOnce, (part + 1) * rowsAtOnce),
  );
  await forEachAtOnce(parts, 1, async (part) => {
    await work.done('POST', '/v1/demand-history', { rows: part });
  });
}

/** Has the first forecast made now: the schedule's own hour is at night. Dispatch makes schedules within seconds. */
export async function triggerForecast({ api, tenant, ops }: SupplierWork): Promise<void> {
  const path = `/v1/schedules/${tenant}:supplier-forecast/trigger`;
  const giveUpAt = Date.now() + scheduleWithinMs;
  for (;;) {
    const { status } = await api.send('POST', path, { key: ops, body: {} });
    if (status >= 200 && status < 300) return;
    if (status !== 404 || Date.now() > giveUpAt)
      throw new Error(`the forecast could not be triggered: ${status}`);
    await sleep(pauseMs);
  }
}
