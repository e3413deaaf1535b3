import type { AttentionReason } from '../domain/order/attention';
import { isEnded } from '../domain/order/lifecycle';
import type { OrderState } from '../domain/order/model';
import { raiseAttention } from '../db/attention';
import { expireOrder } from '../db/expiry';
import { findOrderForWorkflow } from '../db/order';
import { decideLateMoney } from '../db/lateMoney';
import type { Database } from '../db/transaction';
import { findBookingsToCancel } from '../db/unbooking';
import { reportingFaults } from './faults';

export interface OrderKey {
  tenant: string;
  orderId: string;
}

export interface OrderRun extends OrderKey {
  run: number;
}

/** How long waits without a date of their own last. Configuration; recorded in history by `adoptHold`. */
export interface Patience {
  /** After a shipment's promise before it is called overdue. */
  overdueGraceSeconds: number;
  /** Until a partner that failed us is asked again. */
  partnerRetrySeconds: number;
  /** Until something parked is looked at again without being told. */
  reviewSeconds: number;
}

export interface OrderView {
  /** `superseded`: a later run of this order has its own workflow. */
  state: OrderState | 'superseded';
  /** ISO 8601; null when the order came already paid. */
  expiresAt: string | null;
  /** ISO 8601. Absent in answers from before 0.2. */
  placedAt?: string;
}

export interface BookingToCancel {
  shipmentId: string;
  carrierId: string;
}

export interface ClosingView {
  state: OrderState | 'superseded';
  ended: boolean;
  /** Shipments that are cancelled with us and must be so with their carrier. */
  bookings: BookingToCancel[];
}

export interface OrderActivities {
  /** Finds the hold that intake made together with the order; nothing is left to be held here. */
  adoptHold(order: OrderRun): Promise<OrderView & { patience: Patience }>;
  /** Ends the order if its hold is due by database time; answers `paid` when the payment won. */
  expireHold(order: OrderRun): Promise<OrderView>;
  /** Whether the order has come to an end, and what is still to be undone at carriers. */
  closeOrder(order: OrderRun): Promise<ClosingView>;
  /** Shows the order to people, who have to do what the machine cannot. */
  parkOrder(
    parked: OrderKey & { reason: AttentionReason; shipmentId?: string; problem: string },
  ): Promise<void>;
  /** Late or surplus money: held again, or its refund requested; exactly once (I8). */
  decideLateMoney(money: {
    tenant: string;
    provider: string;
    transactionId: string;
  }): Promise<{ outcome: 'reheld' | 'refunding' | 'alreadyDecided' }>;
}

export interface OrderActivitiesNeeds {
  db: Database;
  patience: Patience;
}

export function createOrderActivities({ db, patience }: OrderActivitiesNeeds): OrderActivities {
  async function view({ tenant, orderId, run }: OrderRun): Promise<OrderView> {
    const order = await findOrderForWorkflow(db, tenant, orderId);
    if (order === null) throw new Error(`I6 the order ${orderId} has a workflow and no row`);
    return {
      state: order.run > run ? 'superseded' : order.state,
      expiresAt: order.expiresAt?.toISOString() ?? null,
      placedAt: order.placedAt.toISOString(),
    };
  }

  return reportingFaults({
    async adoptHold(order) {
      return { ...(await view(order)), patience };
    },

    async expireHold(order) {
      await expireOrder(db, order.tenant, order.orderId);
      return view(order);
    },

    async closeOrder(order) {
      const { state } = await view(order);
      if (state === 'superseded') return { state, ended: true, bookings: [] };
      return { state, ended: isEnded(state), bookings: await findBookingsToCancel(db, order) };
    },

    async parkOrder({ tenant, orderId, reason, shipmentId, problem }) {
      await db.inTenant(tenant, (tx) =>
        raiseAttention(tx, {
          reason,
          subject: shipmentId ?? orderId,
          orderId,
          shipmentId,
          detail: { problem },
        }),
      );
    },

    async decideLateMoney(money) {
      const { outcome } = await decideLateMoney(db, money);
      return { outcome };
    },
  });
}
