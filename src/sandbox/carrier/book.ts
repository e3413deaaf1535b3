import type {
  BookingRequest,
  BookingView,
  CarrierEvent,
  CarrierEventKind,
  Waybill,
} from '../../clients/carriers/sandboxWire';

/** A booking as the books keep it: no name, phone or door, only a keyed digest to know a repeat by. */
export interface Booking {
  bookingId: string;
  tenant: string;
  carrierId: string;
  shipmentId: string;
  zone: BookingRequest['zone'];
  callbackUrl: string;
  bodyDigest: string;
  waybills: Waybill[];
  costFen: number;
  /** Epoch milliseconds. */
  bookedAt: number;
}

/** The lines of the carrier sandbox's journal. */
export type CarrierRecord =
  | { kind: 'booked'; booking: Booking }
  | { kind: 'cancelled'; tenant: string; bookingId: string }
  | { kind: 'happened'; bookingId: string; event: CarrierEvent; recordedAt: number }
  | { kind: 'eventEnded'; eventId: string; end: string };

interface Folder {
  booking: Booking;
  events: CarrierEvent[];
  lastAt: number;
}

export interface PendingEvent {
  url: string;
  body: CarrierEvent;
}

/** The road every parcel takes by itself; people's and odd events are made through the API. */
const road: CarrierEventKind[] = ['pickedUp', 'inTransit', 'delivered'];

/**
 * The carrier sandbox's books in memory: `decide…` answers what a request comes to, `apply` is the only way to
 * change anything, so that replaying the journal gives the same books.
 */
export class CarrierBook {
  private readonly folders = new Map<string, Folder>();
  private readonly cancelled = new Map<string, string>();
  private readonly pending = new Map<string, PendingEvent>();

  apply(record: CarrierRecord): void {
    switch (record.kind) {
      case 'booked': {
        const { booking } = record;
        this.folders.set(booking.bookingId, { booking, events: [], lastAt: booking.bookedAt });
        return;
      }
      case 'cancelled':
        this.cancelled.set(record.bookingId, record.tenant);
        return;
      case 'happened': {
        const folder = this.folders.get(record.bookingId);
        if (folder === undefined) throw new Error('an event without its booking');
        folder.events.push(record.event);
        folder.lastAt = record.recordedAt;
        this.pending.set(record.event.eventId, { url: folder.booking.callbackUrl, body: record.event });
        return;
      }
      case 'eventEnded':
        this.pending.delete(record.eventId);
        return;
      default:
        throw new Error('a record of another version');
    }
  }

  /** A booking: the same id and body repeat; a cancelled id stays cancelled, even if booked only now. */
  decideBooking(
    booking: Booking,
  ):
    | { kind: 'new'; record: CarrierRecord }
    | { kind: 'repeat'; booking: Booking }
    | { kind: 'refused'; code: 'cancelled' | 'idempotency-conflict' } {
    const known = this.folders.get(booking.bookingId)?.booking;
    if (known !== undefined && known.bodyDigest !== booking.bodyDigest) {
      return { kind: 'refused', code: 'idempotency-conflict' };
    }
    if (this.cancelled.has(booking.bookingId)) return { kind: 'refused', code: 'cancelled' };
    if (known !== undefined) return { kind: 'repeat', booking: known };
    return { kind: 'new', record: { kind: 'booked', booking } };
  }

  /** Cancelling is possible until the first event, and before the booking came at all. */
  decideCancel(request: {
    tenant: string;
    bookingId: string;
  }):
    | { kind: 'new'; record: CarrierRecord }
    | { kind: 'done' | 'tooLate' }
    | { kind: 'refused'; code: 'unknown-booking' } {
    const folder = this.folders.get(request.bookingId);
    const owner = folder?.booking.tenant ?? this.cancelled.get(request.bookingId) ?? request.tenant;
    if (owner !== request.tenant) return { kind: 'refused', code: 'unknown-booking' };
    if (this.cancelled.has(request.bookingId)) return { kind: 'done' };
    if (folder !== undefined && folder.events.length > 0) return { kind: 'tooLate' };
    return { kind: 'new', record: { kind: 'cancelled', ...request } };
  }

  /** Something happens to a shipment on the road; `eventId` is computed by the caller from `sequence`. */
  findForEvent(
    bookingId: string,
  ): { kind: 'open'; booking: Booking; sequence: number } | { kind: 'unknown-booking' | 'cancelled' } {
    const folder = this.folders.get(bookingId);
    if (folder === undefined) return { kind: 'unknown-booking' };
    if (this.cancelled.has(bookingId)) return { kind: 'cancelled' };
    return { kind: 'open', booking: folder.booking, sequence: folder.events.length };
  }

  /** What a parcel does next by itself, and from when it counts; nothing after an end, a failure or a return. */
  nextStep(bookingId: string): { kind: CarrierEventKind; since: number } | undefined {
    const folder = this.folders.get(bookingId);
    if (folder === undefined || this.cancelled.has(bookingId)) return undefined;
    const last = folder.events.at(-1)?.kind;
    if (last === undefined) return { kind: 'pickedUp', since: folder.lastAt };
    if (last === 'atPickupPoint') return { kind: 'delivered', since: folder.lastAt };
    const next = road[road.indexOf(last) + 1];
    return road.includes(last) && next !== undefined ? { kind: next, since: folder.lastAt } : undefined;
  }

  viewBooking(bookingId: string): BookingView | undefined {
    const folder = this.folders.get(bookingId);
    if (folder === undefined) return undefined;
    const { tenant, carrierId, zone, costFen, waybills } = folder.booking;
    const state = this.cancelled.has(bookingId) ? 'cancelled' : (folder.events.at(-1)?.kind ?? 'booked');
    const events = folder.events.map(({ eventId, kind, at }) => ({ eventId, kind, at }));
    return { bookingId, tenant, carrierId, zone, state, costFen, waybills, events };
  }

  listBookings(filter: { tenant?: unknown; carrierId?: unknown }): Booking[] {
    return [...this.folders.values()]
      .map((folder) => folder.booking)
      .filter((booking) => filter.tenant === undefined || booking.tenant === filter.tenant)
      .filter((booking) => filter.carrierId === undefined || booking.carrierId === filter.carrierId);
  }

  bookingIds(): string[] {
    return [...this.folders.keys()];
  }

  pendingEvents(): PendingEvent[] {
    return [...this.pending.values()];
  }
}
