import type { Express, Request } from 'express';
import { z } from 'zod';
import { verifyWebhook } from '../../clients/webhook/signature';
import { type Journal, openJournal } from '../journal';
import { type SandboxLogger, silentLogger } from '../logger';
import { type Misbehaviour, createControlSchema, createMisbehaviour } from '../misbehaviour';
import {
  Rejection,
  type RunningSandbox,
  answer,
  closeRoutes,
  createSandboxApp,
  listen,
  misbehave,
  rawBody,
  readBody,
  readId,
  readPage,
} from '../server';
import { type PendingAnswer, type Receipt, SupplierBook, type SupplierRecord, decideLines } from './book';
import { type Clerk, createClerk } from './clerk';
import {
  type Account,
  type AnswerPolicy,
  type ForecastPublished,
  accountRequest,
  answerPolicies,
  forecastPublished,
} from './wire';

interface SupplierSandboxOptions {
  /** 0 takes any free port. */
  port: number;
  host?: string;
  /** The journal; made where it does not exist. One process at a time. */
  dataFile: string;
  logger?: SandboxLogger;
}

/** How this supplier answers at present; lives in memory, like misbehaviour. */
interface Manner {
  policy: AnswerPolicy;
  cutPercent: number;
  delayMs: number;
}

interface Desk {
  book: SupplierBook;
  journal: Journal<SupplierRecord>;
  misbehaviour: Misbehaviour;
  clerk: Clerk;
  manner: Manner;
}

const usualManner: Manner = { policy: 'confirm', cutPercent: 50, delayMs: 5000 };
/** A fortnight of many SKUs in many regions. */
const largestWebhook = '16mb';

/**
 * Starts the supplier that development and tests send forecasts to: it verifies webhooks (Standard Webhooks), writes
 * down what came, and answers over the brand's API with its own key. Nothing is answered before it is on the disk;
 * what was not answered when the process was killed is answered after.
 */
export async function runSupplierSandbox(options: SupplierSandboxOptions): Promise<RunningSandbox> {
  const { port, host = '127.0.0.1', dataFile, logger = silentLogger } = options;
  const { records, journal } = await openJournal<SupplierRecord>(dataFile);
  const book = new SupplierBook();
  for (const record of records) book.apply(record);
  const clerk = createClerk({
    accountOf: (accountId) => book.account(accountId),
    onAnswered(answered) {
      write(desk, { kind: 'answered', answered }).catch(() =>
        // losing this line only means answering again after a restart
        logger.warn({ forecastId: answered.forecastId }, 'the books cannot be written'),
      );
    },
    logger,
  });
  const misbehaviour = createMisbehaviour();
  const desk: Desk = { book, journal, misbehaviour, clerk, manner: { ...usualManner } };
  const app = createSandboxApp({ bodyLimit: largestWebhook });
  addWebhookRoute(app, desk);
  addReadRoutes(app, desk);
  addControlRoutes(app, desk);
  closeRoutes(app, logger);
  async function onClose(): Promise<void> {
    clerk.close();
    await journal.close();
  }
  try {
    const running = await listen(app, { host, port, onClose });
    for (const pending of book.pendingAnswers()) clerk.take(pending);
    logger.info({ url: running.url, records: records.length }, 'supplier sandbox listening');
    return running;
  } catch (error) {
    await onClose();
    throw error;
  }
}

async function write({ book, journal }: Desk, record: SupplierRecord): Promise<void> {
  book.apply(record);
  await journal.append(record);
}

function addWebhookRoute(app: Express, desk: Desk): void {
  const { book, misbehaviour, clerk } = desk;
  app.post('/webhooks/:accountId', misbehave(misbehaviour, 'webhook'), async (request, response) => {
    const accountId = readId(request, 'accountId');
    const account = book.account(accountId);
    if (account === undefined)
      throw new Rejection(404, 'unknown-account', 'nobody here takes webhooks by that name');
    const { receipt, event, refusal } = judge(desk, { request, accountId, account });
    const pending = event === undefined || receipt.repeat ? [] : planAnswers(desk.manner, accountId, event);
    await write(desk, { kind: 'received', receipt, pending });
    if (refusal !== undefined) throw refusal;
    for (const each of pending) clerk.take(each);
    answer(response, 200, { taken: true });
  });
}

interface Judged {
  receipt: Receipt;
  event?: ForecastPublished;
  refusal?: Rejection;
}

/** Verifies what came before it is read; a message that is not the sender's is written down and refused. */
function judge(
  { book }: Desk,
  { request, accountId, account }: { request: Request; accountId: string; account: Account },
): Judged {
  const body = rawBody(request.body);
  const named = request.headers['webhook-id'];
  const receipt: Receipt = {
    accountId,
    webhookId: typeof named === 'string' ? named.slice(0, 200) : '',
    receivedAt: Date.now(),
    type: '',
    verified: false,
    repeat: false,
    forecastIds: [],
  };
  const verdicts = account.secrets.map((secret) =>
    verifyWebhook({
      secret,
      headers: request.headers,
      rawBody: body,
      nowSeconds: Math.floor(Date.now() / 1000),
    }),
  );
  const good = verdicts.find((verdict) => verdict.kind === 'valid');
  if (good === undefined) {
    const reason = verdicts.find((verdict) => verdict.kind === 'invalid')?.reason ?? 'no secret is known';
    return { receipt: { ...receipt, reason }, refusal: new Rejection(401, 'bad-signature', reason) };
  }
  const { event, type } = readEvent(body);
  const repeat = book.wasTaken({ accountId, webhookId: good.webhookId });
  const forecastIds = event === undefined ? [] : [event.data.forecastId];
  return { receipt: { ...receipt, verified: true, type, repeat, forecastIds }, event };
}

/** Events of other types are taken and left alone, as a receiver should. */
function readEvent(body: Buffer): { event?: ForecastPublished; type: string } {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    return { type: 'not JSON' };
  }
  const parsed = forecastPublished.safeParse(json);
  if (parsed.success) return { event: parsed.data, type: parsed.data.type };
  const { type } = z
    .looseObject({ type: z.string().max(100).catch('unknown') })
    .catch({ type: 'unknown' })
    .parse(json);
  return { type };
}

function planAnswers(
  { policy, cutPercent, delayMs }: Manner,
  accountId: string,
  event: ForecastPublished,
): PendingAnswer[] {
  if (policy === 'never') return [];
  const dueAt = Date.now() + (policy === 'late' ? delayMs : 0);
  const { forecastId } = event.data;
  return [{ accountId, forecastId, policy, dueAt, lines: decideLines(event.data, { policy, cutPercent }) }];
}

function addReadRoutes(app: Express, { book, journal }: Desk): void {
  app.get('/v1/received', async (request, response) => {
    await journal.settled();
    const { accountId, forecastId } = request.query;
    const items = book
      .received()
      .filter((each) => accountId === undefined || each.accountId === accountId)
      .filter((each) => forecastId === undefined || each.forecastIds.includes(String(forecastId)));
    response.json(readPage(items, request.query));
  });
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok', pendingAnswers: book.pendingAnswers().length });
  });
}

/** The test's side, unsigned and only ever on loopback: the supplier's own settings, and how it is to answer. */
function addControlRoutes(app: Express, desk: Desk): void {
  const { misbehaviour } = desk;
  const control = createControlSchema(['webhook']).safeExtend({
    answer: z.enum(answerPolicies).optional(),
    cutPercent: z.number().min(0).max(100).optional(),
    answerDelayMs: z.int().min(0).max(3_600_000).optional(),
  });
  const show = () => ({
    rules: misbehaviour.rules(),
    answer: desk.manner.policy,
    cutPercent: desk.manner.cutPercent,
    answerDelayMs: desk.manner.delayMs,
  });

  app.put('/v1/accounts/:accountId', async (request, response) => {
    const accountId = readId(request, 'accountId');
    const account = readBody(accountRequest, request.body);
    await write(desk, { kind: 'account', accountId, account });
    response.json({ accountId, apiUrl: account.apiUrl, secrets: account.secrets.length });
  });
  app.post('/v1/control', (request, response) => {
    const { answer: policy, cutPercent, answerDelayMs, ...rule } = readBody(control, request.body);
    misbehaviour.ask(rule);
    desk.manner = {
      policy: policy ?? desk.manner.policy,
      cutPercent: cutPercent ?? desk.manner.cutPercent,
      delayMs: answerDelayMs ?? desk.manner.delayMs,
    };
    response.json(show());
  });
  app.get('/v1/control', (_request, response) => {
    response.json(show());
  });
  app.delete('/v1/control', (_request, response) => {
    misbehaviour.clear();
    desk.manner = { ...usualManner };
    response.json(show());
  });
}
