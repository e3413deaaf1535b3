import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadBaskets, sortByPopularity } from '../demo/baskets';
import { type ApiClient, createApiClient, forEachAtOnce } from './apiClient';
import { buildCatalogue } from './catalogue';
import { buildCarriers, buildNetwork } from './network';
import { bringHistory, connectSuppliers, type SupplierWork, triggerForecast } from './suppliers';
import { planOpening, planReceipts, shanghaiDate } from './planReceipts';

export interface SeedConfig {
  home: string;
  port: number;
  platformKey: string;
  sandboxCarrierUrl?: string;
  sandboxSupplierUrl?: string;
}

export interface TenantKeys {
  channel: string;
  ops: string;
  warehouse: string;
  host: string;
  leader: string;
  supplier: string;
}

/** What `demo-keys.json` holds: the demo tenant's keys, and one for every leader. */
export interface DemoKeys {
  tenant: string;
  keys: TenantKeys;
  leaderKeys: Record<string, string>;
}

/** What has been put already, so that a later start asks once and goes on. */
interface SeedMarker {
  catalogue?: string;
  network?: string;
  carriers?: string;
  suppliers?: string;
  openedOn?: string;
  /** The day before which the demand history was brought along. */
  historyBefore?: string;
  forecastAsked?: boolean;
}

export const demoTenant = 'demo';
const width = 24;
const seedPatienceMs = 30_000;

interface SeedWork {
  api: ApiClient;
  apiUrl: string;
  config: SeedConfig;
  marker: SeedMarker;
  ops: string;
}

/**
 * Gives the demo tenant its keys, catalogue, network and today's opening stock, over the public API alone. Safe to
 * repeat: everything is put under fixed ids, receipts have computed references, and a marker in `home` spares the work
 * when nothing has changed. Throws when the API refuses something, with its answer.
 */
export async function runSeed(
  config: SeedConfig,
  where: { apiUrl?: string; sandboxCarrierUrl?: string; sandboxSupplierUrl?: string } = {},
): Promise<{ tenant: string; keys: TenantKeys }> {
  const apiUrl = where.apiUrl ?? `http://127.0.0.1:${config.port}`;
  const sandboxCarrierUrl =
    where.sandboxCarrierUrl ?? config.sandboxCarrierUrl ?? readCarrierUrl(config.home);
  const sandboxSupplierUrl = where.sandboxSupplierUrl ?? config.sandboxSupplierUrl;
  mkdirSync(config.home, { recursive: true });
  const api = createApiClient(apiUrl, width);
  try {
    const known = readJson<DemoKeys>(keysFile(config.home));
    const fresh = known === null || !(await keysWork(api, known));
    const marker: SeedMarker = fresh ? {} : (readJson<SeedMarker>(markerFile(config.home)) ?? {});
    if (fresh)
      await put(api, config.platformKey, `/v1/tenants/${demoTenant}`, {
        name: '鲜达演示品牌',
        timeZone: 'Asia/Shanghai',
        language: 'zh',
      });
    const ops = fresh ? await makeKey(api, config, { role: 'ops' }) : known.keys.ops;
    const work = { api, apiUrl, config, marker, ops };
    await putEverything(work, sandboxCarrierUrl);
    const keys = fresh ? await makeKeys(api, config, ops) : known;
    await startForecasts(work, sandboxSupplierUrl);
    return { tenant: keys.tenant, keys: keys.keys };
  } finally {
    api.close();
  }
}

/** The keys that the last seed left in `home`; null before the first seed. */
export function readDemoKeys(home: string): DemoKeys | null {
  return readJson<DemoKeys>(keysFile(home));
}

async function putEverything(work: SeedWork, sandboxCarrierUrl: string): Promise<void> {
  const catalogue = buildCatalogue();
  const network = buildNetwork();
  const carriers = buildCarriers(sandboxCarrierUrl);
  await section(work, 'catalogue', catalogue, async (save) => {
    await forEachAtOnce(catalogue.categories, width, ({ category, ...body }) =>
      save('categories', category, body),
    );
    await forEachAtOnce(catalogue.skus, width, ({ sku, ...body }) => save('skus', sku, body));
    await forEachAtOnce(catalogue.bundles, width, ({ sku, ...body }) => save('skus', sku, body));
  });
  const { sites, communities, leaders, pickupPoints } = network;
  await section(work, 'network', { sites, communities, leaders, pickupPoints }, async (save) => {
    await forEachAtOnce(sites, width, ({ siteId, ...body }) => save('sites', siteId, body));
    await forEachAtOnce(communities, width, ({ communityId, ...body }) =>
      save('communities', communityId, body),
    );
    await forEachAtOnce(leaders, width, ({ leaderId, ...body }) => save('leaders', leaderId, body));
    await forEachAtOnce(pickupPoints, width, ({ pickupPointId, ...body }) =>
      save('pickup-points', pickupPointId, body),
    );
  });
  await section(work, 'carriers', carriers, async (save) => {
    await forEachAtOnce(carriers, width, ({ carrierId, ...body }) => save('carriers', carrierId, body));
  });
  const today = shanghaiDate(Date.now());
  if (work.marker.openedOn === today) return;
  const receipts = planReceipts({
    referencePrefix: `opening-${today}`,
    today,
    sites,
    skus: sortByPopularity(catalogue.skus, loadBaskets().skusByPopularity),
    units: planOpening(catalogue),
  });
  await forEachAtOnce(receipts, 3, async (receipt) => {
    expectDone(
      await work.api.send('POST', '/v1/stock/receipts', {
        key: work.ops,
        body: receipt,
        patienceMs: seedPatienceMs,
      }),
      receipt.reference,
    );
  });
  saveMarker(work, { openedOn: today });
}

/** Suppliers that can be reached, something to forecast from, and the first forecast; each once. */
async function startForecasts(work: SeedWork, supplierUrl: string | undefined): Promise<void> {
  const { suppliers, communities } = buildNetwork();
  if (supplierUrl === undefined) {
    // nobody to send anything to: they are there all the same
    return section(work, 'suppliers', suppliers, (save) =>
      forEachAtOnce(suppliers, width, ({ supplierId, ...body }) => save('suppliers', supplierId, body)),
    );
  }
  const supplierWork: SupplierWork = {
    ...work,
    supplierUrl,
    tenant: demoTenant,
    makeKey: (supplierId) => makeKey(work.api, work.config, { role: 'supplier', supplierId }),
    done: async (method, path, body) =>
      expectDone(
        await work.api.send(method, path, { key: work.ops, body, patienceMs: seedPatienceMs }),
        path,
      ),
  };
  await section(work, 'suppliers', { suppliers, supplierUrl }, () =>
    connectSuppliers(supplierWork, suppliers),
  );
  if (work.marker.historyBefore === undefined) {
    const today = shanghaiDate(Date.now());
    await bringHistory(supplierWork, { communities, today });
    saveMarker(work, { historyBefore: today });
  }
  if (work.marker.forecastAsked) return;
  await triggerForecast(supplierWork);
  saveMarker(work, { forecastAsked: true });
}

/** Puts one part of the seed unless the very same content was put before. */
async function section(
  work: SeedWork,
  name: 'catalogue' | 'network' | 'carriers' | 'suppliers',
  content: unknown,
  putAll: (save: (noun: string, id: string, body: unknown) => Promise<void>) => Promise<void>,
): Promise<void> {
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  if (work.marker[name] === digest) return;
  await putAll((noun, id, body) => put(work.api, work.ops, `/v1/${noun}/${id}`, body));
  saveMarker(work, { [name]: digest });
}

async function put(api: ApiClient, key: string, path: string, body: unknown): Promise<void> {
  expectDone(await api.send('PUT', path, { key, body, patienceMs: seedPatienceMs }), path);
}

async function makeKeys(api: ApiClient, config: SeedConfig, ops: string): Promise<DemoKeys> {
  const { leaders, suppliers } = buildNetwork();
  const leaderKeys: Record<string, string> = {};
  await forEachAtOnce(leaders, width, async ({ leaderId }) => {
    leaderKeys[leaderId] = await makeKey(api, config, { role: 'leader', leaderId });
  });
  const firstLeader = leaders[0]?.leaderId ?? '';
  const keys: TenantKeys = {
    channel: await makeKey(api, config, { role: 'channel' }),
    ops,
    warehouse: await makeKey(api, config, { role: 'warehouse' }),
    host: await makeKey(api, config, { role: 'host' }),
    leader: leaderKeys[firstLeader] as string,
    supplier: await makeKey(api, config, { role: 'supplier', supplierId: suppliers[0]?.supplierId }),
  };
  const demoKeys = { tenant: demoTenant, keys, leaderKeys };
  writeJson(keysFile(config.home), demoKeys);
  return demoKeys;
}

async function makeKey(api: ApiClient, config: SeedConfig, body: object): Promise<string> {
  const path = `/v1/tenants/${demoTenant}/keys`;
  const answer = expectDone(
    await api.send('POST', path, { key: config.platformKey, body, patienceMs: seedPatienceMs }),
    path,
  );
  return (answer as { key: string }).key;
}

/** One GET: a stored key works, and the tenant is there. */
async function keysWork(api: ApiClient, known: DemoKeys): Promise<boolean> {
  const answer = await api.send('GET', '/v1/stock?limit=1', {
    key: known.keys.ops,
    patienceMs: seedPatienceMs,
  });
  return answer.status === 200;
}

function expectDone(answer: { status: number; body: unknown }, what: string): unknown {
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  throw new Error(
    `the seed's ${what} was refused with ${answer.status}: ${JSON.stringify(answer.body).slice(0, 500)}`,
  );
}

function readCarrierUrl(home: string): string {
  const dev = readJson<{ sandbox?: { carrierUrl?: string } }>(join(home, 'dev.json'));
  if (!dev?.sandbox?.carrierUrl)
    throw new Error(
      `no sandbox carrier is known: ${join(home, 'dev.json')} names none. Start the stack with npm start first.`,
    );
  return dev.sandbox.carrierUrl;
}

function saveMarker(work: SeedWork, part: SeedMarker): void {
  Object.assign(work.marker, part);
  writeJson(markerFile(work.config.home), work.marker);
}

function keysFile(home: string): string {
  return join(home, 'demo-keys.json');
}

function markerFile(home: string): string {
  return join(home, 'demo-seed.json');
}

function readJson<T>(file: string): T | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return null;
  }
}

/** Written beside and renamed: a killed seed leaves the old file or the new one, never half of one. */
function writeJson(file: string, content: unknown): void {
  const beside = `${file}.${process.pid}`;
  writeFileSync(beside, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(beside, file);
}
