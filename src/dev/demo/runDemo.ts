import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createXianda, expectData, type Xianda } from '../../sdk/client';
import { createApiClient, forEachAtOnce, problemSlug } from '../seed/apiClient';
import { buildCatalogue, hotSkus } from '../seed/catalogue';
import { buildNetwork } from '../seed/network';
import { planReceipts, shanghaiDate } from '../seed/planReceipts';
import { type TenantKeys, readDemoKeys } from '../seed/runSeed';
import type { SeedSku } from '../seed/seedModel';
import { loadBaskets, sortByPopularity } from './baskets';
import { followOrders, lookAt } from './follow';
import { runForLeaders } from './leaderRuns';
import { seatHost } from './host';
import { createLedger, hasEnded, mayStillEnd } from './ledger';
import { planShow } from './planShow';
import { planTopUp } from './planTopUp';
import { type PresaleOutcome, runPresaleAct } from './presaleAct';
import { showProgress } from './progress';
import { recountFromApi } from './readJournal';
import { type ShopReport, brokenPromises, computeShopReport } from './report';
import { sellEverything } from './sell';
import type { Show } from './showModel';
import { type ShowFiles, writeShowFiles } from './showFiles';
import { type Stage, createCast, sleep, sleepIdly } from './stage';
import { drawTerminalReport } from './terminalReport';
import { followLine } from './waitInLine';

export interface DemoConfig {
  home: string;
  sandboxPaymentSecret: string;
}

export interface DemoSettings {
  orderCount: number;
  /** Length of the selling. */
  durationMs: number;
  seed: number;
  /** From the start of the selling until the report is made, whatever is still open. */
  deadlineMs: number;
}

const defaultSettings: DemoSettings = {
  orderCount: 1_500,
  durationMs: 60_000,
  seed: 20_250_618,
  deadlineMs: 300_000,
};
/** Time to read the plan before the first buyer comes. */
const leadMs = 1_500;
const lookWidth = 24;

interface DevFile {
  apiUrl: string;
  temporalUiUrl?: string;
  sandbox: { paymentUrl: string };
  tenants: Array<{ tenant: string; keys: TenantKeys }>;
}

/**
 * Sells one broadcast to the stack that runs in `config.home`, over HTTP alone, follows every order to its end and
 * writes the report. Resolves with, and sets, the exit code: 0, or 1 when a promise was broken. Throws when no stack runs there.
 */
export async function runDemo(config: DemoConfig, settings: Partial<DemoSettings> = {}): Promise<number> {
  const { orderCount, durationMs, seed, deadlineMs } = { ...defaultSettings, ...settings };
  const dev = readDevFile(config.home);
  const tenant = dev.tenants[0];
  if (!tenant) throw new Error(`${join(config.home, 'dev.json')} names no tenant: run npx xianda seed first`);
  const catalogue = buildCatalogue();
  const network = buildNetwork();
  const extract = loadBaskets();
  const now = new Date();
  const liveSessionId = `show-${shanghaiStamp(now)}`;
  const show = planShow(
    { liveSessionId, seed, orderCount, durationMs, now: now.toISOString() },
    { catalogue, network, baskets: extract.baskets },
  );
  const stage = createStage(config, { dev, tenant, show });
  const { ledger } = stage;
  const skus = new Map([...catalogue.skus, ...catalogue.bundles].map((sku) => [sku.sku, sku]));
  try {
    say(
      `\n  鲜达 Xianda · broadcast ${liveSessionId}: ${orderCount} real baskets in ${durationMs / 1000} s\n`,
    );
    await prepare(stage, {
      skus: sortByPopularity(catalogue.skus, extract.skusByPopularity),
      sites: network.sites,
      now,
    });
    stage.startsAtMs = Date.now() + leadMs;
    const presale = await perform(stage, {
      deadlineAtMs: stage.startsAtMs + deadlineMs,
      nameOf: (sku) => skus.get(sku)?.name ?? sku,
    });
    const recount = await recountFromApi(
      stage.api,
      stage.keys.ops,
      catalogue.skus.map(({ sku }) => sku),
    );
    const report = computeShopReport({
      show,
      ledger,
      recount,
      skus,
      startedAtMs: stage.startsAtMs,
      endedAtMs: Date.now(),
      resent: stage.resent(),
      presale,
    });
    const files = await writeShowFiles({ home: config.home, stage, shop: report });
    publish(report, files, dev.temporalUiUrl);
    process.exitCode = brokenPromises(report).length + files.broken.length === 0 ? 0 : 1;
    return process.exitCode;
  } finally {
    stage.api.close();
    stage.payments.close();
  }
}

type DemoTenant = DevFile['tenants'][number];

function createStage(
  config: DemoConfig,
  { dev, tenant, show }: { dev: DevFile; tenant: DemoTenant; show: Show },
): Stage {
  let resent = 0;
  const client = (key: string) => createXianda({ baseUrl: dev.apiUrl, key, onRetry: () => (resent += 1) });
  const ledger = createLedger(show.orders);
  const api = createApiClient(dev.apiUrl);
  return {
    shop: client(tenant.keys.channel),
    ops: client(tenant.keys.ops),
    api,
    apiUrl: dev.apiUrl,
    payments: createApiClient(dev.sandbox.paymentUrl, 32),
    paymentSecret: config.sandboxPaymentSecret,
    tenant: tenant.tenant,
    keys: tenant.keys,
    leaderKeys: readDemoKeys(config.home)?.leaderKeys ?? {},
    show,
    ledger,
    startsAtMs: 0,
    resent: () => resent + api.retries(),
    ...createCast(ledger),
  };
}

function readDevFile(home: string): DevFile {
  const file = join(home, 'dev.json');
  if (!existsSync(file))
    throw new Error(`no stack runs in ${home} (there is no ${file}): start it with npm start`);
  return JSON.parse(readFileSync(file, 'utf8')) as DevFile;
}

/** Announces the session and brings in what is going to be sold. */
async function prepare(
  stage: Stage,
  { skus, sites, now }: { skus: SeedSku[]; sites: ReturnType<typeof buildNetwork>['sites']; now: Date },
): Promise<void> {
  const { show } = stage;
  await announceSession(stage, now);
  const sellable = await readSellable(stage.ops);
  const receipts = planReceipts({
    referencePrefix: `topup-${show.liveSessionId}`,
    today: shanghaiDate(now.getTime()),
    sites,
    skus,
    units: planTopUp(show, sellable),
  });
  await forEachAtOnce(receipts, 2, async (receipt) => {
    await expectData(stage.ops.POST('/v1/stock/receipts', { body: receipt }));
  });
  const units = receipts.reduce(
    (sum, receipt) => sum + receipt.lots.reduce((total, lot) => total + lot.quantity, 0),
    0,
  );
  say(
    `  ${units} units received at ${receipts.length} sites; ${hotSkus.length} hot SKUs for a third of those who want them\n`,
  );
}

/** Installations without live sessions answer 404 and sell all the same. */
async function announceSession({ api, show, keys }: Stage, now: Date): Promise<void> {
  const at = (ms: number) => new Date(now.getTime() + ms).toISOString();
  const answer = await api.send('PUT', `/v1/live-sessions/${show.liveSessionId}`, {
    key: keys.ops,
    body: {
      startsAt: at(0),
      endsAt: at(show.durationMs * 2),
      slots: show.moments.map(({ sku, atMs }) => ({ sku, from: at(atMs), to: at(show.durationMs * 2) })),
    },
  });
  if (answer.status >= 300 && answer.status !== 404)
    throw new Error(`the live session was refused with ${answer.status} ${problemSlug(answer)}`);
}

async function readSellable(ops: Xianda): Promise<Map<string, number>> {
  const { items } = await expectData(ops.GET('/v1/sellable', { params: { query: { sku: [...hotSkus] } } }));
  return new Map(items.map(({ sku, sellable }) => [sku, sellable]));
}

/**
 * The show itself, until every acknowledged order has settled or the deadline has come. Answers what became of the
 * presale beside it, if that came to its end.
 */
async function perform(
  stage: Stage,
  { deadlineAtMs, nameOf }: { deadlineAtMs: number; nameOf: (sku: string) => string },
): Promise<PresaleOutcome | undefined> {
  const { ledger, show, startsAtMs } = stage;
  let presale: PresaleOutcome | undefined;
  let over = false;
  const isOver = () => over || Date.now() > deadlineAtMs;
  const progress = showProgress(process.stdout, { show, ledger, startsAtMs, nameOf });
  const background = Promise.all([
    followOrders(stage, isOver),
    followLine(stage, isOver),
    runForLeaders(stage, isOver),
  ]);
  const host = seatHost(stage, hotSkus);
  sellEverything(stage);
  stage.act('presale', async () => {
    presale = await runPresaleAct(stage, deadlineAtMs);
  });
  await Promise.race([stage.allActed(), sleepIdly(deadlineAtMs - Date.now())]);
  while (!isOver() && ledger.entries.some((entry) => mayStillEnd(entry, deadlineAtMs))) await sleep(250);
  over = true;
  await background;
  const seen = await host.leave();
  await Promise.race([stage.allActed(), sleepIdly(5_000)]);
  // Whatever has not ended is read once more, so that the report shows how it stands now; the others were read after
  // their end, which also proves that they are there.
  await forEachAtOnce(
    ledger.entries.filter((entry) => entry.orderId !== undefined && !hasEnded(entry)),
    lookWidth,
    (entry) => lookAt(stage, entry),
  );
  progress.stop();
  say(
    `  on air 主播: ${seen.told} numbers of ${hotSkus.length} hot SKUs as they changed; ${seen.soldOut} seen to sell out\n`,
  );
  return presale;
}

function publish(report: ShopReport, files: ShowFiles, temporalUiUrl: string | undefined): void {
  say(`\n${drawTerminalReport(report, { coloured: process.stdout.isTTY === true })}\n`);
  for (const [what, count] of Object.entries(report.faults))
    say(`  note: ${what}${count > 1 ? ` (${count} times)` : ''}\n`);
  for (const line of files.broken) say(`  ✘ the server's own books: ${line}\n`);
  say(`  report 报告: ${files.page}\n               ${files.json}\n`);
  if (files.link) say(`  from the API 在线: ${files.link}\n`);
  if (temporalUiUrl) say(`  every order's workflow 工作流: ${temporalUiUrl}\n`);
}

/** `YYYYMMDD-HHMMSS` on a clock in Shanghai. */
function shanghaiStamp(now: Date): string {
  const [date = '', time = ''] = new Date(now.getTime() + 8 * 3_600_000).toISOString().split('T');
  return `${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}`;
}

function say(text: string): void {
  process.stdout.write(text);
}
