// Takes the pictures of docs/operations.md from the running product:
//   DEMO=off SANDBOX_CARRIER_AUTO=off XIANDA_HOME=/tmp/screens PORT=8391 npm start     (in one terminal)
//   XIANDA_HOME=/tmp/screens node scripts/screens.mjs [out]                            (in another)
// It sells a handful of orders over the public API, brings each to another state, and shoots the Temporal Web UI with
// Chromium (CHROMIUM, default /usr/bin/chromium). With `pngquant` on PATH the pictures become a third as big.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const home = resolve(process.env.XIANDA_HOME ?? '.xianda');
const out = resolve(process.argv[2] ?? join(import.meta.dirname, '..', 'docs', 'images'));
const dev = JSON.parse(readFileSync(join(home, 'dev.json'), 'utf8'));
const [{ tenant, keys }] = dev.tenants;
const stamp = Date.now().toString(36);
const liveSessionId = `show-${stamp}`;
const largestBytes = 200_000;
let placed = 0;

async function send(method, url, body, key) {
  const headers = {
    ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
  };
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

const api = (method, path, body, key = keys.ops) => send(method, `${dev.apiUrl}${path}`, body, key);

async function place(skus, buyer) {
  placed += 1;
  const order = {
    channel: 'mini-program',
    externalId: `screens-${stamp}-${placed}`,
    buyer: { ref: `buyer-${placed}`, ...buyer },
    lines: skus.map((sku) => ({ sku, quantity: 1 })),
    liveSessionId,
  };
  return api('POST', '/v1/orders', order, keys.channel);
}

async function buy(skus, buyer) {
  const { orderId, totalFen } = await place(skus, buyer);
  const notifyUrl = `${dev.apiUrl}/v1/payments/sandbox/notifications`;
  const charge = { tenant, orderId, amountFen: totalFen, transactionId: `pay-${orderId}`, notifyUrl };
  await send('POST', `${dev.sandbox.paymentUrl}/v1/charges`, charge);
  return orderId;
}

async function until(what, condition) {
  for (let look = 0; look < 300; look += 1) {
    const answer = await condition();
    if (answer) return answer;
    await sleep(200);
  }
  throw new Error(`${what} did not happen within a minute`);
}

const read = (orderId) => api('GET', `/v1/orders/${orderId}`);
const control = (rule) => send('POST', `${dev.sandbox.carrierUrl}/v1/control`, rule);

const booked = (orderId) =>
  until(`the booking of ${orderId}`, async () => {
    const { shipments } = await read(orderId);
    return shipments.length > 0 && shipments.every(({ state }) => state === 'booked');
  });

async function report(orderId, ...kinds) {
  for (const { shipmentId } of (await read(orderId)).shipments)
    for (const kind of kinds)
      await send('POST', `${dev.sandbox.carrierUrl}/v1/bookings/${shipmentId}/events`, { kind });
}

/** A handful of orders, each in another state; answers those whose pages are shot. */
async function makeOrders() {
  const home = { communityId: 'pudong-1' };
  await place(['oranges'], home);
  await place(['raw-shrimp', 'jam'], home);
  const under = await buy(['fresh-milk', 'raw-shrimp'], home);
  await booked(under);
  const delivered = await buy(['fresh-milk', 'rice-5kg'], home);
  await booked(delivered);
  await report(delivered, 'pickedUp', 'inTransit', 'delivered');
  await until('the delivery', async () => (await read(delivered)).state === 'delivered');
  const cancelled = await buy(['fresh-milk'], home);
  await booked(cancelled);
  await api('POST', `/v1/orders/${cancelled}/cancel`, { reason: 'screens' });
  await control({ route: 'booking', behaviour: 'refuse', count: 1 });
  const parked = await buy(['raw-shrimp'], home);
  await until('the parking', async () => (await read(parked)).attention !== null);
  await buy(['oranges', 'jam'], home);
  return { parked, delivered };
}

async function shoot(page, name, { url, ready, prepare }) {
  await page.goto(url, { waitUntil: 'domcontentloaded' });
  await page.getByText(ready).first().waitFor({ timeout: 30_000 });
  await prepare?.(page);
  await page.waitForLoadState('networkidle').catch(() => undefined);
  const file = join(out, `${name}.png`);
  await page.screenshot({ path: file });
  spawnSync('pngquant', ['--force', '--skip-if-larger', '--strip', '--output', file, '64', file]);
  const bytes = statSync(file).size;
  console.log(`${file}: ${Math.round(bytes / 1000)} kB`);
  if (bytes > largestBytes) throw new Error(`${name} is larger than ${largestBytes} bytes`);
}

mkdirSync(out, { recursive: true });
const { parked, delivered } = await makeOrders();
const links = {
  parked: (await read(parked)).workflow.url,
  delivered: (await read(delivered)).workflow.url,
};
const namespace = `${dev.temporalUiUrl}/namespaces/${dev.temporalNamespace}`;
const ofShow = `Tenant = "${tenant}" AND LiveSession = "${liveSessionId}"`;
const views = Object.entries({
  未付款: `Tenant = "${tenant}" AND OrderStage = "awaitingPayment" AND ExecutionStatus = "Running"`,
  逾期: `Tenant = "${tenant}" AND Attention IN ("overdue", "presaleOverdue") AND ExecutionStatus = "Running"`,
  卡住: `Tenant = "${tenant}" AND Attention IS NOT NULL AND ExecutionStatus = "Running"`,
  本场: ofShow,
}).map(([name, text], index) => ({ id: String(index), name, query: text, type: 'user' }));
const columns = ['Status', 'Workflow ID', 'OrderStage', 'Attention', 'Sites'];
/** What people would have chosen by hand: the Web UI keeps it in the browser. */
const chosen = {
  navOpen: false,
  'saved-workflow-queries': { [dev.temporalNamespace]: views },
  'namespace-workflow-table-columns': { [dev.temporalNamespace]: columns.map((label) => ({ label })) },
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 720 }, colorScheme: 'light' });
  await page.addInitScript((settings) => {
    for (const [name, value] of Object.entries(settings)) localStorage.setItem(name, JSON.stringify(value));
  }, chosen);
  await shoot(page, 'web-ui-list', {
    url: `${namespace}/workflows?query=${encodeURIComponent(ofShow)}`,
    ready: `order:${tenant}/${parked}`,
  });
  await page.setViewportSize({ width: 1440, height: 900 });
  const metadata = async () => {
    await page.waitForURL(/timeline/);
    await page.goto(page.url().replace(/timeline\S*$/, 'user-metadata'));
    // markdown is drawn in a frame of its own
    await until('the details', async () => {
      const texts = await Promise.all(page.frames().map((frame) => frame.content().catch(() => '')));
      return texts.some((text) => text.includes('怎么办'));
    });
  };
  await shoot(page, 'web-ui-order', { url: links.parked, ready: 'User Metadata', prepare: metadata });
  const timeline = () => page.getByText('Timeline').last().scrollIntoViewIfNeeded();
  await page.setViewportSize({ width: 1440, height: 1020 });
  await shoot(page, 'web-ui-timeline', { url: links.delivered, ready: 'bookShipment', prepare: timeline });
  const schedules = await api('GET', '/v1/schedules');
  if (schedules.items.length > 0)
    await shoot(page, 'web-ui-schedules', {
      url: `${namespace}/schedules`,
      ready: schedules.items[0].scheduleId,
    });
} finally {
  await browser.close();
}
