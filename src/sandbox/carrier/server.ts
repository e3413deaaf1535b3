import { createHmac } from 'node:crypto';
import type { Express } from 'express';
import { z } from 'zod';
import {
  type BookingRequest,
  type CarrierEvent,
  bookingRequest,
  cancelRequest,
  carrierEventKind,
  quoteRequest,
} from '../../clients/carriers/sandboxWire';
import { wireId, wireInstant } from '../../clients/wire';
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
import { type Booking, CarrierBook, type CarrierRecord, type PendingEvent } from './book';
import { type Road, createRoad } from './road';
import { priceConsignment } from './tariff';

interface CarrierSandboxOptions {
  /** 0 takes any free port. */
  port: number;
  host?: string;
  /** `SANDBOX_CARRIER_SECRET`: signs events and is demanded of the product's requests. */
  secret: string;
  /** The journal; made where it does not exist. One process at a time. */
  dataFile: string;
  /** Whether parcels are picked up, driven and delivered without being told (`SANDBOX_CARRIER_AUTO`). */
  auto: boolean;
  /** Seconds between two steps of a parcel; 2 unless told. */
  stepSeconds?: number;
  patience?: Patience;
  logger?: SandboxLogger;
}

/** Everything a route needs. */
interface Desk {
  book: CarrierBook;
  journal: Journal<CarrierRecord>;
  misbehaviour: Misbehaviour;
  postman: Postman;
  road: Road;
  secret: string;
}

const eventRequest = z.strictObject({
  kind: carrierEventKind,
  at: wireInstant.optional(),
  /** Names one parcel: the event then tells of the waybill instead of the shipment. */
  waybillNo: wireId.optional(),
  place: z.string().max(200).optional(),
  temperatureC: z.number().min(-100).max(100).optional(),
});
type EventRequest = z.infer<typeof eventRequest>;

/**
 * Starts the carrier that development and tests ship with: it prices, books, cancels, and reports what happens
 * to parcels. Nothing is answered before it is on the disk; events that were not taken when the process was
 * killed go out again, and parcels under way move on. Throws when the port is busy or the books are damaged.
 */
export async function runCarrierSandbox(options: CarrierSandboxOptions): Promise<RunningSandbox> {
  const { port, host = '127.0.0.1', secret, dataFile, auto, stepSeconds = 2 } = options;
  const { patience, logger = silentLogger } = options;
  const { records, journal } = await openJournal<CarrierRecord>(dataFile);
  const book = new CarrierBook();
  for (const record of records) book.apply(record);
  const misbehaviour = createMisbehaviour();
  const postman = createPostman({
    secret,
    misbehaviour,
    patience,
    logger,
    onEnded(eventId, end) {
      const record: CarrierRecord = { kind: 'eventEnded', eventId, end };
      book.apply(record);
      // Losing this line only means telling again after a restart.
      journal.append(record).catch(() => logger.warn({ eventId }, 'the books cannot be written'));
    },
  });
  const road = createRoad({
    book,
    clock: { auto, stepSeconds },
    emit(bookingId, kind) {
      emitEvent(desk, bookingId, { kind, ...describeStep(book, bookingId) }).catch(() => {
        logger.warn({ bookingId, kind }, 'the event could not be written');
      });
    },
  });
  const desk: Desk = { book, journal, misbehaviour, postman, road, secret };
  const app = createSandboxApp();
  addBookingRoutes(app, desk);
  addReadRoutes(app, desk);
  addControlRoutes(app, desk);
  closeRoutes(app, logger);
  async function onClose(): Promise<void> {
    road.close();
    postman.close();
    await journal.close();
  }
  try {
    const running = await listen(app, { host, port, onClose });
    for (const event of book.pendingEvents()) tell(desk, event);
    for (const bookingId of book.bookingIds()) road.plan(bookingId);
    logger.info({ url: running.url, records: records.length }, 'carrier sandbox listening');
    return running;
  } catch (error) {
    await onClose();
    throw error;
  }
}

function tell({ postman }: Desk, { url, body }: PendingEvent): void {
  postman.post({ callbackId: body.eventId, url, body: JSON.stringify(body) });
}

/** What a van with a thermometer would report of the zone it drives. */
function describeStep(book: CarrierBook, bookingId: string): { temperatureC?: number } {
  switch (book.viewBooking(bookingId)?.zone) {
    case 'chilled':
      return { temperatureC: 2 };
    case 'frozen':
      return { temperatureC: -20 };
    default:
      return {};
  }
}

/** Writes one event into the books, tells the shop, and plans what comes next. */
async function emitEvent(desk: Desk, bookingId: string, request: EventRequest): Promise<CarrierEvent> {
  const { book, journal, road } = desk;
  const found = book.findForEvent(bookingId);
  if (found.kind !== 'open')
    throw new Rejection(found.kind === 'cancelled' ? 409 : 404, found.kind, 'no event');
  const { booking, sequence } = found;
  const { waybillNo, at = new Date().toISOString(), ...rest } = request;
  if (waybillNo !== undefined && !booking.waybills.some((each) => each.waybillNo === waybillNo)) {
    throw new Rejection(404, 'unknown-waybill', 'no such parcel in this booking');
  }
  const event: CarrierEvent = {
    eventId: computeId('e', bookingId, request.kind, sequence),
    tenant: booking.tenant,
    ...(waybillNo === undefined ? { shipmentId: booking.shipmentId } : { waybillNo }),
    ...rest,
    at,
  };
  const record: CarrierRecord = { kind: 'happened', bookingId, event, recordedAt: Date.now() };
  book.apply(record);
  await journal.append(record);
  tell(desk, { url: booking.callbackUrl, body: event });
  road.plan(bookingId);
  return event;
}

function addBookingRoutes(app: Express, desk: Desk): void {
  const { book, journal, misbehaviour, road, secret } = desk;
  const signed = requireSignature(secret);

  app.post('/v1/quotes', signed, misbehave(misbehaviour, 'quote'), (request, response) => {
    answer(response, 200, priceConsignment(readBody(quoteRequest, request.body)));
  });

  app.post('/v1/bookings', signed, misbehave(misbehaviour, 'booking'), async (request, response) => {
    const decision = book.decideBooking(writeBooking(readBody(bookingRequest, request.body), secret));
    switch (decision.kind) {
      case 'refused':
        throw new Rejection(409, decision.code, 'the booking is refused');
      case 'repeat':
        await journal.settled();
        return answer(response, 200, viewAnswer(decision.booking));
      case 'new': {
        book.apply(decision.record);
        await journal.append(decision.record);
        const { booking } = decision.record as Extract<CarrierRecord, { kind: 'booked' }>;
        road.plan(booking.bookingId);
        return answer(response, 201, viewAnswer(booking));
      }
    }
  });

  app.post(
    '/v1/bookings/:bookingId/cancel',
    signed,
    misbehave(misbehaviour, 'cancel'),
    async (request, response) => {
      const { tenant } = readBody(cancelRequest, request.body);
      const bookingId = readId(request, 'bookingId');
      const decision = book.decideCancel({ tenant, bookingId });
      switch (decision.kind) {
        case 'refused':
          throw new Rejection(404, decision.code, 'no such booking');
        case 'done':
        case 'tooLate':
          await journal.settled();
          return answer(response, 200, { outcome: decision.kind });
        case 'new':
          book.apply(decision.record);
          await journal.append(decision.record);
          road.plan(bookingId);
          return answer(response, 200, { outcome: 'done' });
      }
    },
  );
}

function writeBooking(request: BookingRequest, secret: string): Booking {
  const { bookingId, tenant, carrierId, shipmentId, zone, callbackUrl, parcels, from, to } = request;
  const weightGrams = parcels.reduce((sum, parcel) => sum + parcel.weightGrams, 0);
  const { costFen } = priceConsignment({ zone, weightGrams, from, to });
  const waybills = parcels.map(({ parcelId }) => ({
    parcelId,
    waybillNo: computeId('SB', tenant, bookingId, parcelId).toUpperCase(),
  }));
  const bodyDigest = createHmac('sha256', secret).update(JSON.stringify(request)).digest('hex');
  const named = { bookingId, tenant, carrierId, shipmentId, zone, callbackUrl };
  return { ...named, bodyDigest, waybills, costFen, bookedAt: Date.now() };
}

function viewAnswer({ bookingId, waybills, costFen }: Booking) {
  return { bookingId, waybills, costFen };
}

function addReadRoutes(app: Express, { book, journal, misbehaviour, secret }: Desk): void {
  const signed = requireSignature(secret);

  app.get('/v1/bookings/:bookingId', signed, misbehave(misbehaviour, 'query'), async (request, response) => {
    const booking = book.viewBooking(readId(request, 'bookingId'));
    if (booking === undefined) throw new Rejection(404, 'unknown-booking', 'no such booking');
    await journal.settled();
    answer(response, 200, booking);
  });

  app.get('/v1/bookings', signed, misbehave(misbehaviour, 'query'), async (request, response) => {
    const { items, nextCursor } = readPage(book.listBookings(request.query), request.query);
    await journal.settled();
    answer(response, 200, { items: items.map(({ bookingId }) => book.viewBooking(bookingId)), nextCursor });
  });
}

/** The test's side, unsigned and only ever on loopback: make something happen, misbehave, turn the clock. */
function addControlRoutes(app: Express, desk: Desk): void {
  const { misbehaviour, postman, road } = desk;
  const control = createControlSchema(['quote', 'booking', 'cancel', 'query']).safeExtend({
    auto: z.boolean().optional(),
    stepSeconds: z.number().min(0.01).max(86_400).optional(),
  });

  app.post('/v1/bookings/:bookingId/events', async (request, response) => {
    const body = readBody(eventRequest, request.body);
    response.status(201).json(await emitEvent(desk, readId(request, 'bookingId'), body));
  });
  app.post('/v1/control', (request, response) => {
    const { auto, stepSeconds, ...rule } = readBody(control, request.body);
    misbehaviour.ask(rule);
    if (auto !== undefined || stepSeconds !== undefined) road.setClock({ auto, stepSeconds });
    response.json({ rules: misbehaviour.rules(), ...road.clock() });
  });
  app.get('/v1/control', (_request, response) => {
    response.json({ rules: misbehaviour.rules(), ...road.clock() });
  });
  app.delete('/v1/control', (_request, response) => {
    misbehaviour.clear();
    response.json({ rules: [], ...road.clock() });
  });
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok', pendingCallbacks: postman.pending() });
  });
}
