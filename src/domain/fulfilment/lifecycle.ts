import { type ShipmentRank, type ShipmentState, shipmentRanks } from './model';

/** Position on the contract's ladder of ranks. */
export function rankOf(state: ShipmentRank): number {
  return shipmentRanks.indexOf(state);
}

/**
 * The state after an event: the highest rank seen. Events may come in any order and any number of times and
 * give the same answer. A cancelled shipment stays cancelled: goods that move all the same are an attention.
 */
export function nextShipmentState(state: ShipmentState, event: ShipmentRank): ShipmentState {
  if (state === 'cancelled') return state;
  return rankOf(event) > rankOf(state) ? event : state;
}

/** Picking has started with any event of rank `picking` or above; before it an order is cancelled at once. */
export function pickingStarted(state: ShipmentState): boolean {
  return state !== 'cancelled' && rankOf(state) >= rankOf('picking');
}

/** Goods leave `onHand` at `pickedUp` or any later rank. */
export function hasLeft(state: ShipmentState): boolean {
  return state !== 'cancelled' && rankOf(state) >= rankOf('pickedUp');
}

/** Nothing more is expected of it. `failed` is not an end: a carrier tries again, or ops decide. */
export function isTerminal(state: ShipmentState): boolean {
  return state === 'delivered' || state === 'returned' || state === 'cancelled';
}
