import type { FulfilmentActivities } from '../../src/activities/fulfilment';
import type { OrderActivities, OrderKey } from '../../src/activities/order';

/** A carrier's scan as it came over HTTP, told to the workflow of its shipment. */
export interface Scan {
  eventId: string;
  carrierId: string;
  kind: 'pickedUp' | 'inTransit' | 'atPickupPoint' | 'delivered' | 'failed' | 'returned';
  at: string;
  temperatureC?: number;
}

export const scanSignalName = 'scan';

export type ShipmentInput = OrderKey & { shipmentId: string };

export function shipmentWorkflowId({ tenant, shipmentId }: { tenant: string; shipmentId: string }): string {
  return `shipment:${tenant}/${shipmentId}`;
}

/** The product's own steps, and one for what the product does in the carrier's request itself. */
export interface NaiveActivities
  extends Pick<OrderActivities, 'adoptHold' | 'closeOrder'>,
    Pick<FulfilmentActivities, 'planFulfilment' | 'bookShipment'> {
  /** Stores a scan and what follows from it. */
  recordScan(scan: ShipmentInput & Scan): Promise<void>;
}
