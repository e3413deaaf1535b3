import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { BookingOutcome, FulfilmentActivities, PlannedShipment } from '../../activities/fulfilment';
import type { BookingToCancel, OrderActivities, OrderKey } from '../../activities/order';
import type { PlainActivities } from '../plain';
import { hasGivenUp, isBrokenInvariant, problemOf } from './failures';
import { localStep, partnerCall } from './retries';

const partners = proxyActivities<PlainActivities<FulfilmentActivities>>(partnerCall);
const steps = proxyLocalActivities<PlainActivities<OrderActivities>>(localStep);

export interface BranchOutcome {
  shipmentId: string;
  outcome: BookingOutcome;
}

/** Books one part of an order. What the carrier refuses, or does not answer in time, is parked. */
export async function bookBranch(
  { tenant, orderId }: OrderKey,
  shipment: PlannedShipment,
): Promise<BranchOutcome> {
  const { shipmentId, zone, siteId, carrierId } = shipment;
  const summary = `${zone} from ${siteId} by carrier ${carrierId}`;
  try {
    const booking = { tenant, orderId, shipmentId };
    const outcome = await partners.bookShipment.executeWithOptions({ ...partnerCall, summary }, [booking]);
    return { shipmentId, outcome };
  } catch (error) {
    if (!hasGivenUp(error)) throw error;
    const reason = isBrokenInvariant(error) ? 'brokenInvariant' : 'bookingFailed';
    await steps.parkOrder({ tenant, orderId, reason, shipmentId, problem: problemOf(error) });
    return { shipmentId, outcome: 'parked' };
  }
}

/** Unbooks each of them with its carrier; answers those that could not be and are parked. */
export async function cancelAtCarrier(order: OrderKey, bookings: BookingToCancel[]): Promise<string[]> {
  const outcomes = await Promise.all(bookings.map((booking) => cancelOne(order, booking)));
  return bookings.filter((_, index) => outcomes[index] === 'parked').map((booking) => booking.shipmentId);
}

async function cancelOne({ tenant, orderId }: OrderKey, { shipmentId, carrierId }: BookingToCancel) {
  const summary = `unbook ${shipmentId} at carrier ${carrierId}`;
  try {
    const booking = { tenant, orderId, shipmentId, carrierId };
    return await partners.cancelBooking.executeWithOptions({ ...partnerCall, summary }, [booking]);
  } catch (error) {
    if (!hasGivenUp(error)) throw error;
    await steps.parkOrder({
      tenant,
      orderId,
      reason: 'unbookingFailed',
      shipmentId,
      problem: problemOf(error),
    });
    return 'parked';
  }
}
