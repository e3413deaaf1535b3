import { setImmediate as breathe, setTimeout as sleep } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import type { Logger } from '../../log';
import { createSellableBoard, type SellableBoard, type SellableSource } from './sellableBoard';
import * as listening from './streamListener';
import type { Listener, StreamOwner } from './streamListener';

export type { StreamOwner };

export interface ClockSource extends SellableSource {
  /** Of these keys, those that may still be used. */
  findStandingKeys(keys: readonly StreamOwner[]): Promise<StreamOwner[]>;
}

/** `opened`, and written to from now on; `refused`: the key was revoked; `full` or `unavailable`: try later. */
export type Joined = 'opened' | 'refused' | 'full' | 'unavailable';

export interface ClockLoad {
  listeners: number;
  framesSent: number;
  /** Frames that a slow listener never got, because a newer one of the SKU took their place. */
  framesDropped: number;
  /** How long ago what the listeners know was last known to be true; 0 while nobody listens. */
  lagSeconds: number;
}

/** Tells listeners what can be sold, as it changes. One for a process, whatever the number of listeners. */
export interface SellableClock {
  /** Opens a stream with the present number of each SKU, read after this call, and keeps it up to date. */
  join(wish: { owner: StreamOwner; skus: readonly string[] }, response: ServerResponse): Promise<Joined>;
  load(): ClockLoad;
  /** Ends every stream, telling its listener to come back in a moment: elsewhere, if this process stops. */
  close(): void;
}

interface Group {
  tenant: string;
  skus: readonly string[];
  listeners: Set<Listener>;
}

interface Newcomer {
  owner: StreamOwner;
  skus: readonly string[];
  response: ServerResponse;
  since: number;
  answer(joined: Joined): void;
}

/** 9.5 beats a second: no SKU is told more than ten times in any second, however the timers fall. */
const beatMs = 105;
/** Proxies and browsers give up on what is silent for half a minute or more. */
const heartbeatMs = 15_000;
/** Keys end in other processes within a second, and so do the streams that they opened. */
const keyCheckMs = 750;
const pauseAfterFailureMs = 500;
const newcomersPatienceMs = 5_000;
/** Orders are taken on the same thread: after so many writes it is theirs for a moment. */
const writesAtOnce = 200;
/** Some 15 kB each; past it a process keeps what it has. */
const mostListeners = 10_000;
/** Names that nobody knows can be listened to as well, and each is compared in every round. */
const mostSkus = 20_000;

interface ClockOptions {
  source: ClockSource;
  log: Logger;
}

export function createSellableClock({ source, log }: ClockOptions): SellableClock {
  const state: ClockState = {
    source,
    board: createSellableBoard(source),
    groups: new Map(),
    slow: new Set(),
    newcomers: [],
    listeners: 0,
    framesSent: 0,
    framesDropped: 0,
    trueAt: performance.now(),
    heartAt: performance.now(),
    keysAt: performance.now(),
    running: false,
    closed: false,
  };
  const isIdle = () => state.listeners === 0 && state.newcomers.length === 0;

  async function run(): Promise<void> {
    state.running = true;
    let failing = false;
    state.trueAt = performance.now();
    while (!isIdle() && !state.closed) {
      const startedAt = performance.now();
      try {
        await beat(state);
        state.trueAt = startedAt;
        failing = false;
      } catch (err) {
        if (!failing && !state.closed)
          log.warn({ err }, 'what can be sold could not be read; listeners wait');
        failing = true;
        turnAwayTheTired(state);
        await sleep(pauseAfterFailureMs);
      }
      await sleep(Math.max(0, beatMs - (performance.now() - startedAt)));
    }
    state.running = false;
  }

  return {
    join({ owner, skus }, response) {
      if (state.closed) {
        listening.turnAway(response);
        return Promise.resolve('opened');
      }
      if (state.listeners + state.newcomers.length >= mostListeners || state.board.size() >= mostSkus)
        return Promise.resolve('full');
      return new Promise((resolve) => {
        state.newcomers.push({ owner, skus, response, since: performance.now(), answer: resolve });
        if (!state.running) void run();
      });
    },
    load: () => ({
      listeners: state.listeners,
      framesSent: state.framesSent,
      framesDropped: state.framesDropped,
      lagSeconds: state.running ? (performance.now() - state.trueAt) / 1000 : 0,
    }),
    close() {
      state.closed = true;
      for (const { response, answer } of state.newcomers.splice(0)) {
        listening.turnAway(response);
        answer('opened');
      }
      for (const listener of everybody(state)) listening.sendAway(listener);
    },
  };
}

interface ClockState {
  source: ClockSource;
  board: SellableBoard;
  groups: Map<string, Group>;
  slow: Set<Listener>;
  newcomers: Newcomer[];
  listeners: number;
  framesSent: number;
  framesDropped: number;
  trueAt: number;
  heartAt: number;
  keysAt: number;
  running: boolean;
  closed: boolean;
}

/**
 * One round: reads what changed, writes it to everybody, opens the streams of newcomers, whose numbers are thus read
 * after they came. Nobody is written to between two rounds.
 */
async function beat(state: ClockState): Promise<void> {
  const newcomers = state.newcomers.splice(0);
  const pace = createPace();
  for (const { owner, skus } of newcomers) state.board.watch(owner.tenant, skus);
  try {
    const standing = await checkKeys(state, newcomers);
    const changes = await state.board.refresh();
    for (const group of state.groups.values()) {
      const changed = changes.get(group.tenant);
      if (changed) await tellGroup(state, group, { changed, pace });
    }
    await catchUp(state, pace);
    for (const newcomer of newcomers.splice(0)) {
      if (standing.has(keyName(newcomer.owner))) admit(state, newcomer);
      else newcomer.answer('refused');
      state.board.unwatch(newcomer.owner.tenant, newcomer.skus);
      await pace();
    }
    await keepAlive(state, pace);
  } finally {
    // whoever could not be served waits for the next round
    for (const { owner, skus } of newcomers) state.board.unwatch(owner.tenant, skus);
    state.newcomers.unshift(...newcomers);
  }
}

function createPace(): () => Promise<void> {
  let writes = 0;
  return async () => {
    writes += 1;
    if (writes % writesAtOnce === 0) await breathe();
  };
}

interface Telling {
  changed: ReadonlySet<string>;
  pace(): Promise<void>;
}

async function tellGroup(state: ClockState, group: Group, { changed, pace }: Telling): Promise<void> {
  const skus = group.skus.filter((sku) => changed.has(sku));
  if (skus.length === 0) return;
  const frames = state.board.framesOf(group.tenant, skus);
  for (const listener of group.listeners) {
    if (listening.isSlow(listener)) {
      state.framesDropped += listening.owe(listener, skus);
      state.slow.add(listener);
    } else {
      listener.socket.write(frames);
      state.framesSent += skus.length;
    }
    await pace();
  }
}

/** Slow listeners that have read what they had get the newest frame of each SKU that they missed. */
async function catchUp(state: ClockState, pace: Telling['pace']): Promise<void> {
  for (const listener of state.slow) {
    if (listening.isStuck(listener)) listener.socket.destroy();
    if (!listening.hasRead(listener)) continue;
    const owed = listening.settle(listener);
    state.slow.delete(listener);
    listener.socket.write(state.board.framesOf(listener.owner.tenant, owed));
    state.framesSent += owed.length;
    await pace();
  }
}

function admit(state: ClockState, { owner, skus, response, answer }: Newcomer): void {
  const listener = listening.open(response, owner, state.board.framesOf(owner.tenant, skus));
  answer('opened');
  if (listener === null) return;
  const name = [owner.tenant, ...[...skus].sort()].join(' ');
  const group = state.groups.get(name) ?? { tenant: owner.tenant, skus, listeners: new Set() };
  if (group.listeners.size === 0) {
    state.groups.set(name, group);
    state.board.watch(owner.tenant, skus);
  }
  group.listeners.add(listener);
  state.listeners += 1;
  state.framesSent += skus.length;
  listener.socket.once('close', () => leave(state, { name, group, listener }));
}

function leave(
  state: ClockState,
  { name, group, listener }: { name: string; group: Group; listener: Listener },
): void {
  group.listeners.delete(listener);
  state.slow.delete(listener);
  state.listeners -= 1;
  if (group.listeners.size > 0) return;
  state.groups.delete(name);
  state.board.unwatch(group.tenant, group.skus);
}

function keyName({ tenant, keyId }: StreamOwner): string {
  return `${tenant} ${keyId}`;
}

/** Ends the streams of revoked keys, now and then, and tells whose keys stand; newcomers are looked up each time. */
async function checkKeys(state: ClockState, newcomers: readonly Newcomer[]): Promise<Set<string>> {
  const isDue = performance.now() - state.keysAt >= keyCheckMs;
  const owners = new Map(newcomers.map(({ owner }) => [keyName(owner), owner]));
  const listeners = isDue ? everybody(state) : [];
  for (const { owner } of listeners) owners.set(keyName(owner), owner);
  if (owners.size === 0) return new Set();
  const standing = new Set((await state.source.findStandingKeys([...owners.values()])).map(keyName));
  if (isDue) state.keysAt = performance.now();
  for (const { owner, socket } of listeners) if (!standing.has(keyName(owner))) socket.end();
  return standing;
}

function everybody(state: ClockState): Listener[] {
  return [...state.groups.values()].flatMap(({ listeners }) => [...listeners]);
}

/** A comment now and then; only after a round that has read, so that silence means: what you show may be old. */
async function keepAlive(state: ClockState, pace: Telling['pace']): Promise<void> {
  if (performance.now() - state.heartAt < heartbeatMs) return;
  state.heartAt = performance.now();
  for (const listener of everybody(state)) {
    listening.beat(listener);
    await pace();
  }
}

function turnAwayTheTired(state: ClockState): void {
  const isTired = ({ since }: Newcomer) => performance.now() - since > newcomersPatienceMs;
  const tired = state.newcomers.filter(isTired);
  state.newcomers = state.newcomers.filter((newcomer) => !isTired(newcomer));
  for (const { answer } of tired) answer('unavailable');
}
