// The listeners' own process: so many connections, each an open page, and what they were told when.
import { type Socket, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AudienceMessage, Heard, OpenPages, Order } from './audience';

interface Page {
  socket: Socket;
  /** What came of a frame that is not whole yet. */
  rest: string;
  last: Map<string, number>;
  open: boolean;
}

/** Connections that are opened at once; the rest waits, as a balancer would have them do. */
const openingAtOnce = 100;
const openedWithinMs = 60_000;

const groups = new Map<string, Page[]>();
/** By SKU and number. */
const heard = new Map<string, Heard>();
/** All pages are sent the same bytes: each text is read once. */
let read = new Map<string, { sku: string; sellable: number }[]>();

process.on('message', (order: Order) => {
  void obey(order).then(
    (answer) => process.send?.({ answer } satisfies AudienceMessage),
    (error: unknown) => process.send?.({ error: (error as Error).message } satisfies AudienceMessage),
  );
});

async function obey(order: Order): Promise<unknown> {
  switch (order.kind) {
    case 'open':
      return open(order);
    case 'close their eyes':
      for (const { socket } of pagesOf(order.group)) socket.pause();
      return null;
    case 'open their eyes':
      for (const { socket } of pagesOf(order.group)) socket.resume();
      return null;
    case 'tell':
      return { heard: [...heard.values()], open: pagesOf(order.group).filter(({ open: is }) => is).length };
    case 'forget':
      heard.clear();
      return null;
    case 'who knows':
      return pagesOf(order.group).filter(({ last }) => knows(last, order.numbers)).length;
  }
}

function pagesOf(group: string): Page[] {
  return groups.get(group) ?? [];
}

function knows(last: ReadonlyMap<string, number>, numbers: Readonly<Record<string, number>>): boolean {
  return Object.entries(numbers).every(([sku, sellable]) => last.get(sku) === sellable);
}

async function open({ group, apiUrl, token, skus, count, noted }: OpenPages): Promise<null> {
  const { hostname, port } = new URL(apiUrl);
  const query = [...skus.map((sku) => `sku=${sku}`), `token=${token}`].join('&');
  const request = `GET /v1/sellable/stream?${query} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`;
  const pages: Page[] = [];
  groups.set(group, pages);
  const giveUpAt = Date.now() + openedWithinMs;
  const isTold = ({ last }: Page) => skus.every((sku) => last.has(sku));
  while (pages.length < count || !pages.every(isTold)) {
    if (Date.now() > giveUpAt)
      throw new Error(`${pages.filter(isTold).length} of ${count} streams opened within a minute`);
    const opening = pages.filter((page) => !isTold(page)).length;
    for (let number = opening; number < openingAtOnce && pages.length < count; number += 1) {
      const page: Page = { socket: connect(Number(port), hostname), rest: '', last: new Map(), open: true };
      page.socket.on('data', (bytes: Buffer) => take(page, bytes, noted));
      page.socket.on('error', () => undefined).on('close', () => (page.open = false));
      page.socket.write(request);
      pages.push(page);
    }
    await sleep(5);
  }
  return null;
}

function take(page: Page, bytes: Buffer, noted: boolean): void {
  const at = Date.now();
  const text = page.rest + bytes.toString('latin1');
  const end = text.lastIndexOf('\n\n') + 2;
  page.rest = end === text.length ? '' : text.slice(end);
  for (const { sku, sellable } of framesIn(text.slice(0, end))) {
    page.last.set(sku, sellable);
    if (noted) note({ sku, sellable, at });
  }
}

function framesIn(text: string): { sku: string; sellable: number }[] {
  const known = read.get(text);
  if (known !== undefined) return known;
  const frames = [...text.matchAll(/^data: (.*)$/gm)].map(
    ([, data = '']) => JSON.parse(data) as { sku: string; sellable: number },
  );
  if (read.size >= 1000) read = new Map();
  read.set(text, frames);
  return frames;
}

function note({ sku, sellable, at }: { sku: string; sellable: number; at: number }): void {
  const name = `${sku} ${sellable}`;
  let frame = heard.get(name);
  if (frame === undefined) heard.set(name, (frame = { sku, sellable, arrivals: new Map() }));
  frame.arrivals.set(at, (frame.arrivals.get(at) ?? 0) + 1);
}
