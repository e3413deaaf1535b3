import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { sandboxHeaders } from '../clients/signature';
import type { SandboxLogger } from './logger';
import type { Misbehaviour } from './misbehaviour';

interface Callback {
  callbackId: string;
  url: string;
  /** Written once: every attempt and every copy is the same bytes. */
  body: string;
}

type CallbackEnd = 'delivered' | 'conflict' | 'gaveUp' | 'swallowed';

export interface Postman {
  post(callback: Callback): void;
  /** Callbacks that have neither been taken nor given up. */
  pending(): number;
  close(): void;
}

/** Attempts wait 0.25 s, 0.5 s, 1 s … up to 30 s; 30 of them last about twelve minutes. */
export interface Patience {
  firstWaitMs: number;
  longestWaitMs: number;
  attempts: number;
}
const defaultPatience: Patience = { firstWaitMs: 250, longestWaitMs: 30_000, attempts: 30 };

const attemptTimeoutMs = 10_000;
const concurrentAttempts = 32;
const duplicateCopies = 5;
const defaultShuffleMs = 5_000;
const defaultSlowMs = 10_000;

interface PostmanOptions {
  secret: string;
  misbehaviour: Misbehaviour;
  patience?: Patience;
  logger: SandboxLogger;
  /** Called once per callback; what is not ended is posted again after a restart. */
  onEnded(callbackId: string, end: CallbackEnd): void;
}

interface Letter extends Callback {
  attempt: number;
  /** A piece of deliberate garbage is sent once and means nothing. */
  garbage?: true;
}

/** Sends signed callbacks until they are taken (2xx), known with another body (409), or given up. */
export function createPostman(options: PostmanOptions): Postman {
  const { secret, misbehaviour, logger, onEnded, patience = defaultPatience } = options;
  const open = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();
  const underWay = new Set<AbortController>();
  const ready: Letter[] = [];
  let closed = false;

  function end(callbackId: string, how: CallbackEnd): void {
    if (closed || !open.delete(callbackId)) return;
    if (how !== 'delivered') logger.warn({ callbackId, how }, 'callback ended undelivered');
    onEnded(callbackId, how);
  }

  function sendLater(letter: Letter, waitMs: number): void {
    if (closed) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      ready.push(letter);
      drain();
    }, waitMs);
    timers.add(timer);
  }

  function drain(): void {
    while (!closed && underWay.size < concurrentAttempts) {
      const letter = ready.shift();
      if (letter === undefined) return;
      void send(letter);
    }
  }

  async function send(letter: Letter): Promise<void> {
    const controller = new AbortController();
    const deadline = setTimeout(() => controller.abort(), attemptTimeoutMs);
    underWay.add(controller);
    const status = await attempt(letter, { secret, signal: controller.signal });
    clearTimeout(deadline);
    underWay.delete(controller);
    conclude(letter, status);
    drain();
  }

  function conclude(letter: Letter, status: number | undefined): void {
    if (closed || letter.garbage) return;
    if (status !== undefined && status >= 200 && status < 300) return end(letter.callbackId, 'delivered');
    if (status === 409) return end(letter.callbackId, 'conflict');
    if (letter.attempt >= patience.attempts) return end(letter.callbackId, 'gaveUp');
    const wait = Math.min(patience.longestWaitMs, patience.firstWaitMs * 2 ** (letter.attempt - 1));
    sendLater({ ...letter, attempt: letter.attempt + 1 }, wait);
  }

  function post(callback: Callback): void {
    open.add(callback.callbackId);
    if (misbehaviour.take('notify', ['neverCallBack'])) return end(callback.callbackId, 'swallowed');
    for (const { letter, waitMs } of lettersOf(callback, misbehaviour)) sendLater(letter, waitMs);
  }

  return {
    post,
    pending: () => open.size,
    close() {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      for (const controller of underWay) controller.abort();
    },
  };
}

const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };

/** One attempt; undefined when nobody answered. */
function attempt(
  letter: Letter,
  { secret, signal }: { secret: string; signal: AbortSignal },
): Promise<number | undefined> {
  const secure = letter.url.startsWith('https:');
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(letter.body),
    ...sandboxHeaders(secret, Math.floor(Date.now() / 1000), letter.body),
  };
  const options = { method: 'POST', headers, signal, agent: secure ? agents.https : agents.http };
  return new Promise((resolve) => {
    (secure ? httpsRequest : httpRequest)(letter.url, options, (response) => {
      // read to the end, so that the connection can be used again
      response.resume();
      response.once('end', () => resolve(response.statusCode));
      response.once('error', () => resolve(undefined));
    })
      .once('error', () => resolve(undefined))
      .end(letter.body);
  });
}

/** What a callback becomes under the misbehaviour asked for: one letter now, or several, late, shuffled, with rubbish before. */
function lettersOf(callback: Callback, misbehaviour: Misbehaviour): { letter: Letter; waitMs: number }[] {
  const letters: { letter: Letter; waitMs: number }[] = [];
  if (misbehaviour.take('notify', ['garbage'])) {
    letters.push({ letter: { ...callback, body: '{"garbage": ', attempt: 1, garbage: true }, waitMs: 0 });
  }
  const slow = misbehaviour.take('notify', ['slow']);
  const shuffle = misbehaviour.take('notify', ['shuffle']);
  const copies = misbehaviour.take('notify', ['duplicate']) ? duplicateCopies : 1;
  for (let copy = 0; copy < copies; copy += 1) {
    const slowMs = slow === undefined ? 0 : (slow.delayMs ?? defaultSlowMs);
    const shuffleMs =
      shuffle === undefined ? 0 : misbehaviour.random() * (shuffle.delayMs ?? defaultShuffleMs);
    letters.push({ letter: { ...callback, attempt: 1 }, waitMs: slowMs + shuffleMs });
  }
  return letters;
}
