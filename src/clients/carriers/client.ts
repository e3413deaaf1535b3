import { type PartnerAnswer, callPartner } from '../callPartner';
import { PartnerFault } from '../partnerFault';
import { reachAnywhere, reachPublic, type Resolve } from '../reach';
import type { Page } from '../wire';
import {
  type BookingRequest,
  type BookingView,
  type CarrierRefusalCode,
  type QuoteAnswer,
  type QuoteRequest,
  type Waybill,
  bookingAnswer,
  bookingPage,
  cancelAnswer,
  carrierRefusalCode,
  quoteAnswer,
} from './sandboxWire';

type Refused = { kind: 'refused'; code: CarrierRefusalCode };

export type QuoteOutcome = ({ kind: 'quoted' } & QuoteAnswer) | Refused;

/** Exactly one waybill for each parcel that was asked for. */
export type BookingOutcome = { kind: 'booked'; waybills: Waybill[]; costFen?: number } | Refused;

export type CancelOutcome = { kind: 'done' } | { kind: 'tooLate' } | Refused;

/** Each carrier lives at its own `baseUrl` (`PUT /v1/carriers/{carrierId}`), so every call names it. */
type At<Request> = { baseUrl: string; request: Request };

/** What the product asks of a carrier. Refusals are answered; faults are thrown as PartnerFault. */
export interface CarrierClient {
  /** Price in fen and whole days for one weight in one zone; binds nobody. */
  quote(call: At<QuoteRequest>): Promise<QuoteOutcome>;
  /**
   * Books one shipment and gets a waybill per parcel. `bookingId` is the idempotency key and equals the
   * shipment's id: repeat it after a fault and there is one label (invariant 10). Refuses a known id with
   * another body, and an id that was cancelled. The request carries the buyer's name and door: never log it.
   */
  book(call: At<BookingRequest>): Promise<BookingOutcome>;
  /**
   * Undoes a booking until the parcels are picked up; `tooLate` afterwards. Cancelling twice, or before the
   * booking ever arrived, is `done`, and a booking that arrives later is refused: safe as an undo.
   */
  cancel(call: At<{ tenant: string; bookingId: string }>): Promise<CancelOutcome>;
  /** A tenant's bookings, oldest first, for checks that each shipment has at most one. */
  listBookings(call: At<{ tenant: string; cursor?: string }>): Promise<Page<BookingView>>;
}

export interface CarrierClientNeeds {
  secret: string;
  timeoutMs: number;
  /** Whether a URL is the installation's own word; any other is a tenant's and must lead to a public address. */
  trusts(baseUrl: string): boolean;
  resolve?: Resolve;
}

/** The carrier client over the sandbox carrier's signed HTTP. Every call is one attempt within `timeoutMs`. */
export function createSandboxCarrierClient(needs: CarrierClientNeeds): CarrierClient {
  const { secret, timeoutMs, trusts, resolve } = needs;
  const [anywhere, publicOnly] = [reachAnywhere(), reachPublic(resolve)];
  const partner = { partner: 'carrier sandbox', refusals: carrierRefusalCode, secret, timeoutMs };
  const at = (baseUrl: string) => ({ baseUrl, reach: trusts(baseUrl) ? anywhere : publicOnly });
  return {
    async quote({ baseUrl, request }) {
      const answer = await callPartner({
        ...partner,
        operation: 'quote',
        method: 'POST',
        ...at(baseUrl),
        path: '/v1/quotes',
        body: request,
        answer: quoteAnswer,
      });
      return answer.kind === 'refused' ? answer : { kind: 'quoted', ...answer.value };
    },

    async book({ baseUrl, request }) {
      const answer = await callPartner({
        ...partner,
        operation: 'book',
        method: 'POST',
        ...at(baseUrl),
        path: '/v1/bookings',
        body: request,
        answer: bookingAnswer,
      });
      if (answer.kind === 'refused') return answer;
      const { bookingId, waybills, costFen } = answer.value;
      if (bookingId !== request.bookingId || !coversParcels(waybills, request)) {
        throw mismatch('book', 'answered for another booking or other parcels');
      }
      return { kind: 'booked', waybills, costFen };
    },

    async cancel({ baseUrl, request: { tenant, bookingId } }) {
      const answer = await callPartner({
        ...partner,
        operation: 'cancel',
        method: 'POST',
        ...at(baseUrl),
        path: `/v1/bookings/${encodeURIComponent(bookingId)}/cancel`,
        body: { tenant },
        answer: cancelAnswer,
      });
      return answer.kind === 'refused' ? answer : { kind: answer.value.outcome };
    },

    async listBookings({ baseUrl, request }) {
      const query = new URLSearchParams(Object.entries(request).filter(([, value]) => value !== undefined));
      const answer = await callPartner({
        ...partner,
        operation: 'listBookings',
        method: 'GET',
        ...at(baseUrl),
        path: `/v1/bookings?${query}`,
        answer: bookingPage,
      });
      return expectAnswered(answer);
    },
  };
}

function coversParcels(waybills: Waybill[], request: BookingRequest): boolean {
  const asked = new Set(request.parcels.map((parcel) => parcel.parcelId));
  const numbers = new Set(waybills.map((each) => each.waybillNo));
  return (
    waybills.length === asked.size &&
    numbers.size === asked.size &&
    waybills.every((each) => asked.delete(each.parcelId))
  );
}

function expectAnswered<Answer>(answer: PartnerAnswer<Answer, CarrierRefusalCode>): Answer {
  if (answer.kind === 'answered') return answer.value;
  throw mismatch('listBookings', `refused with ${answer.code} what cannot be refused`);
}

function mismatch(operation: string, problem: string): PartnerFault {
  return new PartnerFault({ partner: 'carrier sandbox', operation, problem });
}
