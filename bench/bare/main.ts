// What HTTP alone costs: the API's middleware in front of a handler that touches no store. It answers an order as the
// product does, byte for byte as long, with the same answer each time. Two variations serve as further yardsticks: the
// naive intake behind the same middleware, and a server of Node's own that does nothing at all.
import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import compression from 'compression';
import express, { type Request, type RequestHandler, type Response } from 'express';
import helmet from 'helmet';
import { check } from '../../src/api/http/mount';
import { keepRawBody, readJson } from '../../src/api/http/body';
import { orderBody } from '../../src/api/order/schema';
import { readConfig } from '../../src/config';
import { createPersonalData } from '../../src/db/personalData';
import { reportReady } from '../../src/dev/readiness';
import { createNaiveIntake } from '../naive/intake';

/** What each kind of order is answered with, as the product answered it. */
interface Answer {
  status: number;
  contentType: string;
  body: string;
}

export type BareKind = 'bare' | 'naive' | 'nothing';

const settings = process.env as {
  BENCH_KIND: BareKind;
  BENCH_PORT: string;
  BENCH_KEY: string;
  BENCH_TENANT: string;
  BENCH_ANSWER: string;
  BENCH_CONNECTIONS: string;
};
const answer = JSON.parse(settings.BENCH_ANSWER) as Answer;
const bodyLimitBytes = 256 * 1024;

createServer(listenerOf(settings.BENCH_KIND)).listen(Number(settings.BENCH_PORT), '127.0.0.1', reportReady);

function listenerOf(kind: BareKind): RequestListener {
  switch (kind) {
    case 'nothing':
      return doNothing();
    case 'bare':
      return withMiddleware(answerAlike());
    case 'naive':
      return withMiddleware(answerNaively());
  }
}

function doNothing(): RequestListener {
  const head = { 'Content-Type': answer.contentType, 'Content-Length': Buffer.byteLength(answer.body) };
  return (request, response) => {
    request.resume().on('end', () => response.writeHead(answer.status, head).end(answer.body));
  };
}

/** As src/api/server.ts and src/api/http/mount.ts put it together, without metrics, log and the other routes. */
function withMiddleware(handle: RequestHandler): RequestListener {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.set('query parser', false);
  app.use(helmet({ contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null } } }));
  app.use(compression());
  app.post('/v1/orders', identify(), keepRawBody(bodyLimitBytes), handle);
  return app;
}

function identify(): RequestHandler {
  const digest = (key: string) => createHash('sha256').update(key).digest('base64');
  const known = new Set([digest(settings.BENCH_KEY)]);
  return (request, response, next) => {
    const key = /^Bearer +([!-~]{1,512})$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (known.has(digest(key))) next();
    else response.status(401).end();
  };
}

function readOrder(request: Request) {
  return check(orderBody, readJson(request));
}

function answerAlike(): RequestHandler {
  // made into text for each request, as every real answer is
  const body = JSON.parse(answer.body) as object;
  return (request, response) => {
    readOrder(request);
    send(response, { ...answer, body });
  };
}

function answerNaively(): RequestHandler {
  const { databaseUrl: url = '', personalDataKeys, paymentWindowSeconds } = readConfig();
  const personalData = createPersonalData(personalDataKeys);
  const connections = Number(settings.BENCH_CONNECTIONS);
  const intake = createNaiveIntake({ url, personalData, paymentWindowSeconds, connections });
  return async (request, response) => {
    const taken = await intake.place(settings.BENCH_TENANT, readOrder(request), 'bench');
    if (taken.kind === 'accepted') send(response, { ...answer, body: taken.answer });
    else response.status(409).json(taken);
  };
}

function send(
  response: Response,
  { status, contentType, body }: Omit<Answer, 'body'> & { body: object },
): void {
  response.status(status).setHeader('Content-Type', contentType);
  response.send(JSON.stringify(body));
}
