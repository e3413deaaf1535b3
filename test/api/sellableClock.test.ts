import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import {
  type ClockSource,
  createSellableClock,
  type Joined,
  type SellableClock,
} from '../../src/api/live/sellableClock';
import type { SellableFace } from '../../src/db/sellable.read';
import { createLogger } from '../../src/log';

/** The clock over numbers that the test sets, with real connections. */
let server: Server;
let clock: SellableClock;
let world: ReturnType<typeof createWorld>;
let joined: Joined[];
const sockets = new Set<Socket>();

/** What can be sold of each SKU, and how often it was asked. Items may be made long, so that few fill a socket. */
function createWorld() {
  const numbers = new Map<string, number>();
  const state = { numbers, versionReads: 0, faceReads: 0, down: false, padding: '', looksAgainAt: new Map() };
  const source: ClockSource = {
    readChangedVersions(known) {
      state.versionReads += 1;
      if (state.down) return Promise.reject(new Error('the database is away'));
      const changed = known.flatMap(({ tenant, sku, version }) => {
        const now = sku === null ? 0 : (numbers.get(sku) ?? -1);
        return version === now || (sku === null && version >= 0) ? [] : [{ tenant, sku, version: now }];
      });
      return Promise.resolve({ now: Date.now(), changed });
    },
    readFaces(_tenant, skus) {
      state.faceReads += 1;
      const faces = skus.flatMap((sku): SellableFace[] => {
        const sellable = numbers.get(sku);
        if (sellable === undefined) return [];
        const item = { sku, sellable, presaleRemaining: 0, nearestExpiry: state.padding };
        const looksAgainAt = (state.looksAgainAt.get(sku) as number) ?? Number.POSITIVE_INFINITY;
        return [{ item, version: sellable, pools: [sku], looksAgainAt }];
      });
      return Promise.resolve({ faces, versions: new Map(numbers) });
    },
    findStandingKeys: (keys) => Promise.resolve(keys.filter(({ keyId }) => keyId !== 'revoked')),
  };
  return Object.assign(state, { source });
}

beforeEach(async () => {
  world = createWorld();
  world.numbers.set('a', 1).set('b', 1);
  joined = [];
  clock = createSellableClock({ source: world.source, log: createLogger({ role: 'api', level: 'silent' }) });
  server = createServer((request, response: ServerResponse) => {
    const [, keyId = '', skus = ''] = (request.url ?? '').split('/');
    void clock.join({ owner: { tenant: 't', keyId }, skus: skus.split(',') }, response).then((answer) => {
      joined.push(answer);
      if (answer !== 'opened') response.writeHead(503).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  clock.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((resolve) => server.close(resolve));
});

interface Ear {
  socket: Socket;
  text: string;
  /** The number last told of a SKU. */
  last(sku: string): number | undefined;
}

function listen(skus: string, key = 'key'): Ear {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.add(socket);
  const ear: Ear = {
    socket,
    text: '',
    last: (sku) => {
      const told = [...ear.text.matchAll(new RegExp(`\\ndata: {"sku":"${sku}","sellable":(\\d+),`, 'g'))].at(
        -1,
      );
      return told && Number(told[1]);
    },
  };
  socket.setEncoding('utf8').on('data', (text: string) => (ear.text += text));
  socket.write(`GET /${key}/${skus} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return ear;
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`did not happen: ${condition.toString()}`);
    await new Promise((resume) => setTimeout(resume, 10));
  }
}

test('a listener that does not read loses frames, keeps nobody waiting, and then gets the newest numbers', async () => {
  world.padding = 'x'.repeat(1_000_000);
  const slow = listen('a,b');
  const quick = listen('a');
  await until(() => quick.last('a') === 1 && slow.last('a') === 1);
  slow.socket.pause();
  // more than kernel and process together keep for one connection
  for (let number = 2; number <= 40; number += 1) {
    world.numbers.set('a', number);
    if (number === 5) world.numbers.set('b', 77);
    await until(() => quick.last('a') === number);
  }
  const { framesDropped } = clock.load();
  expect(framesDropped).toBeGreaterThan(5);
  slow.socket.resume();
  await until(() => slow.last('a') === 40);
  expect(slow.last('b')).toBe(77);
  const told = [...slow.text.matchAll(/"sku":"a","sellable":(\d+)/g)].map(([, number]) => Number(number));
  expect(told.length).toBeLessThan(35);
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect(clock.load().framesDropped).toBe(framesDropped);
});

test('reads once for all who listen, only what they listen to, and nothing when nobody does', async () => {
  const ears = Array.from({ length: 20 }, () => listen('a'));
  await until(() => ears.every((ear) => ear.last('a') === 1));
  const { faceReads } = world;
  world.numbers.set('b', 5).set('a', 2);
  await until(() => ears.every((ear) => ear.last('a') === 2));
  expect(world.faceReads).toBe(faceReads + 1);
  for (const { socket } of ears) socket.destroy();
  await until(() => clock.load().listeners === 0);
  await until(() => clock.load().lagSeconds === 0);
  const { versionReads } = world;
  await new Promise((resume) => setTimeout(resume, 300));
  expect(world.versionReads).toBe(versionReads);
  // and begins anew with the number of that moment
  world.numbers.set('a', 9);
  const late = listen('a');
  await until(() => late.last('a') === 9);
});

test('looks again at the instant at which the clock alone changes a number', async () => {
  world.looksAgainAt.set('a', Date.now() + 400);
  const ear = listen('a');
  await until(() => ear.last('a') === 1);
  // the number changes and no version does
  const { readFaces } = world.source;
  world.looksAgainAt.clear();
  world.source.readFaces = async (tenant, skus) => {
    const { faces, versions } = await readFaces(tenant, skus);
    return { versions, faces: faces.map((face) => ({ ...face, item: { ...face.item, sellable: 0 } })) };
  };
  await until(() => ear.last('a') === 0);
  expect(ear.text.match(/id: a:1\n/g)).toHaveLength(2);
});

test('while nothing can be read the streams stay, newcomers wait and are then sent away; all go on afterwards', async () => {
  const ear = listen('a');
  await until(() => ear.last('a') === 1);
  world.down = true;
  const newcomer = listen('b');
  await until(() => joined.includes('unavailable') && newcomer.text.includes('503'));
  expect(clock.load().lagSeconds).toBeGreaterThan(4);
  const patient = listen('b');
  world.numbers.set('a', 3);
  world.down = false;
  await until(() => ear.last('a') === 3 && patient.last('b') === 1);
});

test('a revoked key opens nothing; one that is revoked later ends its streams', async () => {
  listen('a', 'revoked');
  await until(() => joined.includes('refused'));
  const kept = listen('a');
  const ended = listen('a', 'doomed');
  await until(() => ended.last('a') === 1);
  world.source.findStandingKeys = (keys) => Promise.resolve(keys.filter(({ keyId }) => keyId !== 'doomed'));
  await until(() => ended.socket.readableEnded);
  world.numbers.set('a', 2);
  await until(() => kept.last('a') === 2);
});

test('a clock that is closed sends everybody away with a moment to come back after, newcomers too', async () => {
  const ear = listen('a');
  await until(() => ear.last('a') === 1);
  clock.close();
  const newcomer = listen('a');
  await until(() => ear.socket.readableEnded && newcomer.socket.readableEnded);
  expect(ear.text).toMatch(/retry: \d+\n\n$/);
  expect(newcomer.text).toMatch(/200 OK[\s\S]*retry: \d+\n\n$/);
});
