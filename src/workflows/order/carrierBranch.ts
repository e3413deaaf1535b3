import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { BookingOutcome, FulfilmentActivities, PlannedShipment } from '../../activities/fulfilment';
import type { BookingToCancel, OrderActivities, OrderKey } from '../../activities/order';
import type { PlainActivities } from '../plain';
import { hasGivenUp, isBrokenInvariant, problemOf } from './failures';
import { localStep, partnerCall } from './retries';
import type { Wording } from './texts';

const partners = proxyActivities<PlainActivities<FulfilmentActivities>>(partnerCall);
const steps = proxyLocalActivities<PlainActivities<OrderActivities>>(localStep);

export interface BranchOutcome {
  shipmentId: string;
  outcome: BookingOutcome;
}

/** An order, and the words its steps are summed up in. */
type Worded = OrderKey & { wording: Wording };

/** Books one part of an order. What the carrier refuses, or does not answer in time, is parked. */
export async function bookBranch(
  { tenant, orderId, wording }: Worded,
  shipment: PlannedShipment,
): Promise<BranchOutcome> {
  const { shipmentId } = shipment;
  const summary = wording.line(wording.steps.book(wording.part(shipment)));
  try {
    const booking = { tenant, orderId, shipmentId };
    const outcome = await partners.bookShipment.executeWithOptions({ ...partnerCall, summary }, [booking]);
    return { shipmentId, outcome };
  } catch (error) {
    if (!hasGivenUp(error)) throw error;
    const reason = isBrokenInvariant(error) ? 'brokenInvariant' : 'bookingFailed';
    await park({ tenant, orderId, wording }, { reason, shipmentId, problem: problemOf(error) });
    return { shipmentId, outcome: 'parked' };
  }
}

/** Unbooks each of them with its carrier; answers those that could not be and are parked. */
export async function cancelAtCarrier(order: Worded, bookings: BookingToCancel[]): Promise<string[]> {
  const outcomes = await Promise.all(bookings.map((booking) => cancelOne(order, booking)));
  return bookings.filter((_, index) => outcomes[index] === 'parked').map((booking) => booking.shipmentId);
}

async function cancelOne({ tenant, orderId, wording }: Worded, booking: BookingToCancel) {
  const { shipmentId, carrierId } = booking;
  const summary = wording.line(wording.steps.unbook(booking));
  try {
    const asked = { tenant, orderId, shipmentId, carrierId };
    return await partners.cancelBooking.executeWithOptions({ ...partnerCall, summary }, [asked]);
  } catch (error) {
    if (!hasGivenUp(error)) throw error;
    await park(
      { tenant, orderId, wording },
      { reason: 'unbookingFailed', shipmentId, problem: problemOf(error) },
    );
    return 'parked';
  }
}

type Parking = {
  reason: 'bookingFailed' | 'brokenInvariant' | 'unbookingFailed';
  shipmentId: string;
  problem: string;
};

async function park({ tenant, orderId, wording }: Worded, parking: Parking): Promise<void> {
  const summary = wording.steps.park(wording.parked[parking.reason].name);
  await steps.parkOrder.executeWithOptions({ ...localStep, summary }, [{ tenant, orderId, ...parking }]);
}
