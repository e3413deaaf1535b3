import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { openBrowser, watchPage } from '../support/browser';
import { type ApiUnderTest, expectStatus, startApi, type TenantKeys } from './support/apiUnderTest';
import * as goods from './support/goods';

/** A host's page, served by the brand and not by us: it knows a token and the address of the stream. */
const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><p id="left">…</p><p id="state"></p>
<script>
  const given = new URLSearchParams(location.search)
  const stream = new EventSource(given.get('api') + '/v1/sellable/stream?sku=strawberries&token=' + given.get('token'))
  const told = []
  stream.addEventListener('sellable', (event) => {
    told.push(event.lastEventId)
    document.querySelector('#left').textContent = JSON.parse(event.data).sellable
  })
  stream.onerror = () => { document.querySelector('#state').textContent = stream.readyState }
</script>`;

let browser: Browser;
let api: ApiUnderTest;
let shop: TenantKeys;
let brand: Server;

beforeAll(async () => {
  browser = await openBrowser();
  api = await startApi();
  shop = await api.tenant('shop');
  await goods.givenShop(api, shop);
  brand = createServer((_request, response) => response.setHeader('Content-Type', 'text/html').end(page));
  await new Promise<void>((resolve) => brand.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await browser?.close();
  brand?.close();
  await api?.close();
});

async function openPage(token: string) {
  const watched = await watchPage(browser);
  const { port } = brand.address() as AddressInfo;
  await watched.page.goto(
    `http://127.0.0.1:${port}/?${new URLSearchParams({ api: api.url, token }).toString()}`,
  );
  return watched;
}

test('a page of the brand follows a SKU down to zero by EventSource, with a token', async () => {
  const { token } = expectStatus(
    await api.send('POST', '/v1/stream-tokens', { key: shop.host, body: {} }),
    201,
  ).json;
  const { page: shown, complaints } = await openPage(token);
  const left = shown.locator('#left');
  const reads = (text: string) =>
    left.filter({ hasText: new RegExp(`^${text}$`) }).waitFor({ timeout: 10_000 });
  await reads('100');
  for (let number = 1; number <= 10; number += 1) {
    const body = goods.order({
      externalId: `order-${number}`,
      buyer: { ref: `buyer-${number}`, communityId: 'biyun' },
      lines: [{ sku: 'strawberries', quantity: 10 }],
    });
    expectStatus(await api.send('POST', '/v1/orders', { key: shop.channel, body }), 201);
    await reads(String(100 - 10 * number));
  }
  const ids = await shown.evaluate<string[]>('told');
  expect(ids.every((id) => /^strawberries:\d+$/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(11);
  expect(complaints).toEqual([]);
  await shown.close();
});

test('a page with a token that does not hold is told so, and does not try for ever', async () => {
  const { page: shown } = await openPage('wrong');
  // EventSource.CLOSED
  await shown.locator('#state').filter({ hasText: '2' }).waitFor({ timeout: 10_000 });
  await shown.close();
});
