import { randomBytes } from 'node:crypto';
import type { Express, Request } from 'express';
import { chargeRequest, refundRequest } from '../../clients/payment/sandboxWire';
import { type Journal, openJournal } from '../journal';
import { type SandboxLogger, silentLogger } from '../logger';
import { type Misbehaviour, createControlSchema, createMisbehaviour } from '../misbehaviour';
import { type Patience, type Postman, createPostman } from '../postman';
import {
  Rejection,
  type RunningSandbox,
  answer,
  closeRoutes,
  computeId,
  createSandboxApp,
  listen,
  misbehave,
  readBody,
  readId,
  readPage,
  requireSignature,
} from '../server';
import {
  type Charge,
  PaymentBook,
  type PaymentRecord,
  type PendingNotification,
  asNotification,
  viewRefund,
} from './book';

interface PaymentSandboxOptions {
  /** 0 takes any free port. */
  port: number;
  host?: string;
  /** `SANDBOX_PAYMENT_SECRET`: signs notifications and is demanded of the product's requests. */
  secret: string;
  /** The journal; made where it does not exist. One process at a time. */
  dataFile: string;
  patience?: Patience;
  logger?: SandboxLogger;
}

/** Everything a route needs. */
interface Desk {
  book: PaymentBook;
  journal: Journal<PaymentRecord>;
  misbehaviour: Misbehaviour;
  postman: Postman;
  secret: string;
}

const defaultProcessingMs = 2_000;

/**
 * Starts the payment provider that development and tests pay with: it takes buyers' money, tells the shop, and
 * refunds on request. Nothing is answered before it is on the disk; notifications that were not taken when the
 * process was killed go out again. Throws when the port is busy or the books are damaged.
 */
export async function runPaymentSandbox(options: PaymentSandboxOptions): Promise<RunningSandbox> {
  const { port, host = '127.0.0.1', secret, dataFile, patience, logger = silentLogger } = options;
  const { records, journal } = await openJournal<PaymentRecord>(dataFile);
  const book = new PaymentBook();
  for (const record of records) book.apply(record);
  const misbehaviour = createMisbehaviour();
  const postman = createPostman({
    secret,
    misbehaviour,
    patience,
    logger,
    onEnded(notificationId, end) {
      const record: PaymentRecord = { kind: 'notificationEnded', notificationId, end };
      book.apply(record);
      // Losing this line only means telling again after a restart.
      journal.append(record).catch(() => logger.warn({ notificationId }, 'the books cannot be written'));
    },
  });
  const desk = { book, journal, misbehaviour, postman, secret };
  const app = createSandboxApp();
  addBuyerRoutes(app, desk);
  addOrderRoutes(app, desk);
  addRefundRoutes(app, desk);
  addControlRoutes(app, desk);
  closeRoutes(app, logger);
  async function onClose(): Promise<void> {
    postman.close();
    await journal.close();
  }
  try {
    const running = await listen(app, { host, port, onClose });
    for (const notification of book.pendingNotifications()) tell(desk, notification);
    logger.info({ url: running.url, records: records.length }, 'payment sandbox listening');
    return running;
  } catch (error) {
    await onClose();
    throw error;
  }
}

function tell({ postman }: Desk, { url, body }: PendingNotification): void {
  postman.post({ callbackId: body.notificationId, url, body: JSON.stringify(body) });
}

function drawId(prefix: string): string {
  return computeId(prefix, randomBytes(16).toString('hex'));
}

/** The buyer's side, unsigned: a phone pays, and support tells the shop once more. */
function addBuyerRoutes(app: Express, desk: Desk): void {
  const { book, journal, misbehaviour } = desk;

  app.post('/v1/charges', misbehave(misbehaviour, 'charge'), async (request, response) => {
    const body = readBody(chargeRequest, request.body);
    const decision = book.decideCharge(body, {
      transactionId: drawId('t'),
      notificationId: drawId('n'),
      paidAt: new Date().toISOString(),
    });
    if (decision.kind === 'refused') throw new Rejection(409, decision.code, 'the charge is refused');
    if (decision.kind === 'repeat') {
      await journal.settled();
      return answer(response, 200, viewCharge(decision.value));
    }
    book.apply(decision.record);
    await journal.append(decision.record);
    const { charge } = decision.record as Extract<PaymentRecord, { kind: 'charged' }>;
    tell(desk, asNotification(charge, charge.notificationId));
    answer(response, 201, viewCharge(charge));
  });

  app.post('/v1/transactions/:transactionId/notifications', async (request, response) => {
    const charge = book.findCharge(readId(request, 'transactionId'));
    if (charge === undefined) throw new Rejection(404, 'unknown-transaction', 'never charged here');
    const notificationId = request.query.sameId === 'true' ? charge.notificationId : drawId('n');
    const record: PaymentRecord = {
      kind: 'notified',
      transactionId: charge.transactionId,
      notificationId,
    };
    book.apply(record);
    await journal.append(record);
    tell(desk, asNotification(charge, notificationId));
    response.status(201).json({ notificationId });
  });
}

function viewCharge({ transactionId, notificationId, paidAt }: Charge) {
  return { transactionId, notificationId, paidAt };
}

function readOrder(request: Request): { tenant: string; orderId: string } {
  return { tenant: readId(request, 'tenant'), orderId: readId(request, 'orderId') };
}

function addOrderRoutes(app: Express, { book, journal, misbehaviour, secret }: Desk): void {
  const signed = requireSignature(secret);

  app.get(
    '/v1/transactions/:transactionId',
    signed,
    misbehave(misbehaviour, 'query'),
    async (request, response) => {
      const transaction = book.findTransaction(readId(request, 'transactionId'));
      if (transaction === undefined) throw new Rejection(404, 'unknown-transaction', 'no such transaction');
      await journal.settled();
      answer(response, 200, transaction);
    },
  );

  app.get(
    '/v1/orders/:tenant/:orderId',
    signed,
    misbehave(misbehaviour, 'query'),
    async (request, response) => {
      const order = readOrder(request);
      const view = book.viewOrder(order);
      await journal.settled();
      answer(response, 200, view);
    },
  );

  app.post(
    '/v1/orders/:tenant/:orderId/close',
    signed,
    misbehave(misbehaviour, 'close'),
    async (request, response) => {
      const order = readOrder(request);
      if (!book.viewOrder(order).closed) {
        const record: PaymentRecord = { kind: 'closed', ...order };
        book.apply(record);
        await journal.append(record);
      } else {
        await journal.settled();
      }
      answer(response, 200, book.viewOrder(order));
    },
  );
}

function addRefundRoutes(app: Express, { book, journal, misbehaviour, secret }: Desk): void {
  const signed = requireSignature(secret);

  app.post('/v1/refunds', signed, misbehave(misbehaviour, 'refund'), async (request, response) => {
    const body = readBody(refundRequest, request.body);
    const processing = misbehaviour.take('refund', ['processing']);
    const settlesAt =
      Date.now() + (processing === undefined ? 0 : (processing.delayMs ?? defaultProcessingMs));
    const decision = book.decideRefund(body, settlesAt);
    switch (decision.kind) {
      case 'refused':
        throw new Rejection(409, decision.code, 'the refund is refused');
      case 'repeat':
        await journal.settled();
        return answer(response, 200, viewRefund(decision.value, Date.now()));
      case 'new':
        book.apply(decision.record);
        await journal.append(decision.record);
        return answer(response, 201, book.findRefund(body.refundId, Date.now()));
    }
  });

  app.get('/v1/refunds/:refundId', signed, misbehave(misbehaviour, 'query'), async (request, response) => {
    const refund = book.findRefund(readId(request, 'refundId'), Date.now());
    if (refund === undefined) throw new Rejection(404, 'unknown-refund', 'no such refund');
    await journal.settled();
    answer(response, 200, refund);
  });

  app.get('/v1/refunds', signed, misbehave(misbehaviour, 'query'), async (request, response) => {
    const refunds = book.listRefunds(request.query, Date.now());
    await journal.settled();
    answer(response, 200, readPage(refunds, request.query));
  });
}

function addControlRoutes(app: Express, { misbehaviour, postman }: Desk): void {
  const control = createControlSchema(['charge', 'close', 'query', 'refund']);

  app.post('/v1/control', (request, response) => {
    misbehaviour.ask(readBody(control, request.body));
    response.json({ rules: misbehaviour.rules() });
  });
  app.get('/v1/control', (_request, response) => {
    response.json({ rules: misbehaviour.rules() });
  });
  app.delete('/v1/control', (_request, response) => {
    misbehaviour.clear();
    response.json({ rules: [] });
  });
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok', pendingCallbacks: postman.pending() });
  });
}
