import type { CarrierClient } from '../clients/carriers/client';
import { clearAttention, raiseAttention } from '../db/attention';
import { findBookingRequest, planFulfilment, recordBooking } from '../db/fulfilment';
import { raiseOverdue } from '../db/overdue';
import type { PersonalData } from '../db/personalData';
import type { Database } from '../db/transaction';
import { findCarrierBaseUrl } from '../db/unbooking';
import type { OrderState } from '../domain/order/model';
import { reportingFaults } from './faults';
import type { BookingToCancel, OrderKey } from './order';

export interface PlannedShipment {
  shipmentId: string;
  zone: string;
  siteId: string;
  /** Null when a leader takes it. */
  carrierId: string | null;
  leaderId: string | null;
  /** ISO 8601 */
  deliverBy: string;
}

/** Instants in ISO 8601. */
export type FulfilmentPlan =
  | { kind: 'planned'; shipments: PlannedShipment[]; unconvertedUntil: string | null }
  | { kind: 'waitingForGoods'; until: string }
  | { kind: 'parked'; reason: 'noRoute' | 'paidShort' }
  | { kind: 'ended'; state: OrderState };

export type BookingOutcome = 'booked' | 'parked' | 'cancelledMeanwhile';

export interface FulfilmentActivities {
  /** Splits the order's goods by zone and site and finds each part's way; the stored plan when it has one. */
  planFulfilment(order: OrderKey): Promise<FulfilmentPlan>;
  /** Books with the carrier under the shipment's id; refusals are parked in attention and not thrown. */
  bookShipment(shipment: OrderKey & { shipmentId: string }): Promise<BookingOutcome>;
  /** Undoes a booking, made or not, at the carrier. `tooLate`: the goods are on their way, which is parked. */
  cancelBooking(booking: OrderKey & BookingToCancel): Promise<'cancelled' | 'tooLate' | 'parked'>;
  /** Parks every promise that has passed, and tells for what, and when to look again (ISO 8601). */
  raiseOverdue(
    order: OrderKey & { graceSeconds: number; reviewSeconds: number },
  ): Promise<{ lookAgainAt: string; reason: 'overdue' | 'presaleOverdue' | null }>;
}

export interface FulfilmentActivitiesNeeds {
  db: Database;
  carriers: CarrierClient;
  /** Opens the name and door for the label. */
  personalData: PersonalData;
  /** Where a carrier tells of its parcels. */
  callbackUrl(carrierId: string): string;
}

export function createFulfilmentActivities(needs: FulfilmentActivitiesNeeds): FulfilmentActivities {
  const { db, carriers, personalData, callbackUrl } = needs;
  return reportingFaults({
    planFulfilment: (order) => planFulfilment(db, order),

    async bookShipment({ tenant, orderId, shipmentId }) {
      const found = await findBookingRequest(db, { tenant, shipmentId }, personalData);
      if (found === null) return 'booked';
      const { baseUrl, ...request } = found;
      const answer = await carriers.book({
        baseUrl,
        request: { ...request, callbackUrl: callbackUrl(request.carrierId) },
      });
      if (answer.kind === 'refused') {
        // refused because we cancelled it: the undo came first, and that is what was wanted
        if (answer.code === 'cancelled') return 'cancelledMeanwhile';
        await db.inTenant(tenant, (tx) =>
          raiseAttention(tx, {
            reason: 'bookingFailed',
            subject: shipmentId,
            orderId,
            shipmentId,
            detail: { problem: `the carrier refused: ${answer.code}`, carrierId: request.carrierId },
          }),
        );
        return 'parked';
      }
      const recorded = await recordBooking(db, { tenant, shipmentId, waybills: answer.waybills });
      if (recorded === 'cancelledMeanwhile') {
        await carriers.cancel({ baseUrl, request: { tenant, bookingId: shipmentId } });
        return 'cancelledMeanwhile';
      }
      return 'booked';
    },

    async cancelBooking({ tenant, orderId, shipmentId, carrierId }) {
      const baseUrl = await findCarrierBaseUrl(db, { tenant, carrierId });
      const answer = await carriers.cancel({ baseUrl, request: { tenant, bookingId: shipmentId } });
      if (answer.kind === 'done') {
        await db.inTenant(tenant, (tx) => clearAttention(tx, 'unbookingFailed', shipmentId));
        return 'cancelled';
      }
      const reason = answer.kind === 'tooLate' ? 'movedAfterCancel' : 'unbookingFailed';
      const problem = answer.kind === 'tooLate' ? 'picked up before the cancel' : `refused: ${answer.code}`;
      await db.inTenant(tenant, (tx) =>
        raiseAttention(tx, {
          reason,
          subject: shipmentId,
          orderId,
          shipmentId,
          detail: { problem, carrierId },
        }),
      );
      return answer.kind === 'tooLate' ? 'tooLate' : 'parked';
    },

    async raiseOverdue(review) {
      const { lookAgainAt, reason } = await raiseOverdue(db, review);
      return { lookAgainAt: lookAgainAt.toISOString(), reason };
    },
  } satisfies FulfilmentActivities);
}
