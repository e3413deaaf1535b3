import { findKeyByHash, type KeyOwner } from '../../db/tenant';
import type { Database } from '../../db/transaction';
import { overloaded } from './problem';

/** Whom keys belong to, by their hash; remembers what the database said for a moment. */
export interface KeyBook {
  /** Null: nobody has this key. Throws `overloaded` when too many keys that nobody knows are being looked up. */
  find(hash: Buffer): Promise<KeyOwner | null>;
  /**
   * What is known without asking. Of an owner it may be old news: good enough to turn somebody away, never to let
   * anybody in. `crowded`: nothing is known, and so many strangers wait to be looked up that one more would be refused.
   */
  recall(hash: Buffer): KeyOwner | 'nobody' | 'crowded' | 'notYet';
  /** Forgets a key at once in this process; others forget within half a second. */
  forget(keyId: string): void;
}

/** A revoked key works for at most this long in other processes; half a second keeps well under the promised one. */
const knownMs = 500;
/** A key made elsewhere may have to be shown again. */
const unknownMs = 250;
const mostUnknown = 10_000;
/** How long an owner who says nothing keeps the right to be looked up ahead of strangers. */
const regularMs = 600_000;
const mostStrangersAtOnce = 2;
const mostStrangersWaiting = 64;

interface Entry {
  /** The answer, or the one on its way. */
  owner: Promise<KeyOwner | null>;
  /** What was found last. */
  found?: KeyOwner;
  until: number;
}

/**
 * Keys that have worked are looked up at once, every half second at most. Strangers queue for two look-ups at a time,
 * and who finds the queue full is turned away: a flood of invented keys neither fills the database nor keeps those
 * whose keys are good from being let in.
 */
export function createKeyBook(platform: Database, now: () => number = () => performance.now()): KeyBook {
  const entries = new Map<string, Entry>();
  const unknown = createUnknownKeys(now);
  const strangers = createLane({ atOnce: mostStrangersAtOnce, waiting: mostStrangersWaiting });
  let sweptAt = now();

  function lookUp(name: string, hash: Buffer): Promise<KeyOwner | null> {
    const before = entries.get(name)?.found;
    const ask = () => findKeyByHash(platform, hash);
    const owner = before === undefined ? strangers.run(ask) : ask();
    const entry: Entry = { owner, found: before, until: now() + knownMs };
    entries.set(name, entry);
    const settle = (found: KeyOwner | null | undefined) => {
      if (entries.get(name) !== entry) return;
      if (found) entry.found = found;
      else entries.delete(name);
      if (found === null) unknown.remember(name);
    };
    owner.then(settle, () => {
      // the database did not answer: ask again next time, and keep the owner's place ahead of strangers
      entry.until = 0;
      settle(before);
    });
    return owner;
  }

  function sweep(): void {
    if (now() - sweptAt < regularMs) return;
    sweptAt = now();
    for (const [name, { until }] of entries) if (sweptAt - until > regularMs) entries.delete(name);
  }

  return {
    find(hash) {
      sweep();
      const name = hash.toString('base64');
      const entry = entries.get(name);
      if (entry && entry.until > now()) return entry.owner;
      if (unknown.has(name)) return Promise.resolve(null);
      return lookUp(name, hash);
    },
    recall(hash) {
      const name = hash.toString('base64');
      const entry = entries.get(name);
      if (entry?.found) return entry.found;
      if (unknown.has(name)) return 'nobody';
      return entry === undefined && strangers.isFull() ? 'crowded' : 'notYet';
    },
    forget(keyId) {
      for (const [name, entry] of entries) {
        void entry.owner.then(
          (owner) => {
            if (owner?.keyId === keyId) entries.delete(name);
          },
          () => undefined,
        );
      }
    },
  };
}

/** Hashes that were not found a moment ago; of too many the oldest is forgotten. */
function createUnknownKeys(now: () => number) {
  const until = new Map<string, number>();
  return {
    remember(name: string): void {
      until.delete(name);
      const oldest = until.size >= mostUnknown ? until.keys().next().value : undefined;
      if (oldest !== undefined) until.delete(oldest);
      until.set(name, now() + unknownMs);
    },
    has(name: string): boolean {
      const end = until.get(name);
      if (end === undefined) return false;
      if (end <= now()) until.delete(name);
      return end > now();
    },
  };
}

interface Lane {
  isFull(): boolean;
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** Runs so much at once, lets so much wait, and refuses the rest. */
function createLane({ atOnce, waiting }: { atOnce: number; waiting: number }): Lane {
  const queue: (() => void)[] = [];
  let running = 0;
  const isFull = () => running >= atOnce && queue.length >= waiting;
  return {
    isFull,
    async run(work) {
      if (isFull()) throw overloaded(1);
      if (running >= atOnce) await new Promise<void>((resume) => queue.push(resume));
      else running += 1;
      try {
        return await work();
      } finally {
        // whoever is next takes over the place
        const next = queue.shift();
        if (next) next();
        else running -= 1;
      }
    },
  };
}
