import type {
  ChargeRequest,
  PaymentNotification,
  PaymentOrderView,
  RefundRequest,
  RefundView,
  TransactionView,
} from '../../clients/payment/sandboxWire';

export interface Charge extends ChargeRequest {
  transactionId: string;
  notificationId: string;
  paidAt: string;
}

interface Refund extends RefundRequest {
  /** From this instant (epoch milliseconds) the refund reads `succeeded`, before it `processing`. */
  settlesAt: number;
}

/** The lines of the payment sandbox's journal. */
export type PaymentRecord =
  | { kind: 'charged'; charge: Charge }
  | { kind: 'closed'; tenant: string; orderId: string }
  | { kind: 'refunded'; refund: Refund }
  | { kind: 'notified'; transactionId: string; notificationId: string }
  | { kind: 'notificationEnded'; notificationId: string; end: string };

interface Transaction {
  transactionId: string;
  tenant: string;
  orderId: string;
  amountFen: number;
  refundedFen: number;
  charge?: Charge;
}

export interface PendingNotification {
  url: string;
  body: PaymentNotification;
}

type Decision<Record, Repeat, Refusal> =
  | { kind: 'new'; record: Record }
  | { kind: 'repeat'; value: Repeat }
  | { kind: 'refused'; code: Refusal };

/**
 * The payment sandbox's books in memory: `decide…` answers what a request comes to, `apply` is the only way to
 * change anything, so that replaying the journal gives the same books.
 */
export class PaymentBook {
  private readonly transactions = new Map<string, Transaction>();
  private readonly byOrder = new Map<string, Transaction[]>();
  private readonly closedOrders = new Set<string>();
  private readonly refunds = new Map<string, Refund>();
  private readonly pending = new Map<string, PendingNotification>();

  apply(record: PaymentRecord): void {
    switch (record.kind) {
      case 'charged': {
        const { charge } = record;
        this.addTransaction({ ...pickTransaction(charge), refundedFen: 0, charge });
        this.pending.set(charge.notificationId, asNotification(charge, charge.notificationId));
        return;
      }
      case 'closed':
        this.closedOrders.add(orderKey(record));
        return;
      case 'refunded': {
        const { refund } = record;
        const transaction = this.transactions.get(refund.transactionId) ?? this.addReported(refund);
        transaction.refundedFen += refund.amountFen;
        this.refunds.set(refund.refundId, refund);
        return;
      }
      case 'notified': {
        const charge = this.transactions.get(record.transactionId)?.charge;
        if (charge === undefined) throw new Error('a notification without its charge');
        this.pending.set(record.notificationId, asNotification(charge, record.notificationId));
        return;
      }
      case 'notificationEnded':
        this.pending.delete(record.notificationId);
        return;
      default:
        throw new Error('a record of another version');
    }
  }

  /** A buyer pays: a known transaction id repeats or conflicts, a closed order takes no money. */
  decideCharge(
    request: ChargeRequest,
    made: { transactionId: string; notificationId: string; paidAt: string },
  ): Decision<PaymentRecord, Charge, 'closed' | 'declined' | 'idempotency-conflict'> {
    const known = this.transactions.get(request.transactionId ?? made.transactionId);
    if (known !== undefined) {
      return known.charge !== undefined && sameCharge(known.charge, request)
        ? { kind: 'repeat', value: known.charge }
        : { kind: 'refused', code: 'idempotency-conflict' };
    }
    if (request.outcome === 'declined') return { kind: 'refused', code: 'declined' };
    if (this.closedOrders.has(orderKey(request))) return { kind: 'refused', code: 'closed' };
    return { kind: 'new', record: { kind: 'charged', charge: { ...made, ...definedOnly(request) } } };
  }

  /** A refund: once per id, never more in sum than its transaction, whoever charged it. */
  decideRefund(
    request: RefundRequest,
    settlesAt: number,
  ): Decision<PaymentRecord, Refund, 'idempotency-conflict' | 'transaction-mismatch' | 'over-refund'> {
    const known = this.refunds.get(request.refundId);
    if (known !== undefined) {
      return sameRefund(known, request)
        ? { kind: 'repeat', value: known }
        : { kind: 'refused', code: 'idempotency-conflict' };
    }
    const transaction = this.transactions.get(request.transactionId);
    if (transaction !== undefined && !belongs(request, transaction)) {
      return { kind: 'refused', code: 'transaction-mismatch' };
    }
    if ((transaction?.refundedFen ?? 0) + request.amountFen > request.transactionAmountFen) {
      return { kind: 'refused', code: 'over-refund' };
    }
    return { kind: 'new', record: { kind: 'refunded', refund: { ...request, settlesAt } } };
  }

  findCharge(transactionId: string): Charge | undefined {
    return this.transactions.get(transactionId)?.charge;
  }

  findTransaction(transactionId: string): TransactionView | undefined {
    const transaction = this.transactions.get(transactionId);
    return transaction && viewTransaction(transaction);
  }

  viewOrder(order: { tenant: string; orderId: string }): PaymentOrderView {
    const transactions = (this.byOrder.get(orderKey(order)) ?? []).map(viewTransaction);
    return { ...order, closed: this.closedOrders.has(orderKey(order)), transactions };
  }

  findRefund(refundId: string, nowMs: number): RefundView | undefined {
    const refund = this.refunds.get(refundId);
    return refund && viewRefund(refund, nowMs);
  }

  listRefunds(filter: { tenant?: unknown; transactionId?: unknown }, nowMs: number): RefundView[] {
    return [...this.refunds.values()]
      .filter((refund) => filter.tenant === undefined || refund.tenant === filter.tenant)
      .filter((refund) => filter.transactionId === undefined || refund.transactionId === filter.transactionId)
      .map((refund) => viewRefund(refund, nowMs));
  }

  pendingNotifications(): PendingNotification[] {
    return [...this.pending.values()];
  }

  private addTransaction(transaction: Transaction): Transaction {
    this.transactions.set(transaction.transactionId, transaction);
    const siblings = this.byOrder.get(orderKey(transaction));
    if (siblings === undefined) this.byOrder.set(orderKey(transaction), [transaction]);
    else siblings.push(transaction);
    return transaction;
  }

  /** Money that somebody else took: the first refund request is believed about its size. */
  private addReported(refund: Refund): Transaction {
    const { transactionId, tenant, orderId, transactionAmountFen: amountFen } = refund;
    return this.addTransaction({ transactionId, tenant, orderId, amountFen, refundedFen: 0 });
  }
}

export function asNotification(charge: Charge, notificationId: string): PendingNotification {
  const { transactionId, tenant, orderId, amountFen, paidAt } = charge;
  const body = {
    notificationId,
    transactionId,
    tenant,
    orderId,
    amountFen,
    paidAt,
    outcome: 'paid' as const,
  };
  return { url: charge.notifyUrl, body };
}

export function viewRefund(refund: Refund, nowMs: number): RefundView {
  const { refundId, transactionId, tenant, orderId, amountFen } = refund;
  const state = nowMs >= refund.settlesAt ? 'succeeded' : 'processing';
  return { refundId, transactionId, tenant, orderId, amountFen, state };
}

function viewTransaction(transaction: Transaction): TransactionView {
  const { refundedFen, charge } = transaction;
  return {
    ...pickTransaction(transaction),
    refundedFen,
    ...(charge === undefined ? {} : { paidAt: charge.paidAt }),
  };
}

function pickTransaction({ transactionId, tenant, orderId, amountFen }: Omit<Transaction, 'refundedFen'>) {
  return { transactionId, tenant, orderId, amountFen };
}

function orderKey({ tenant, orderId }: { tenant: string; orderId: string }): string {
  return `${tenant}/${orderId}`;
}

function sameCharge(charge: Charge, request: ChargeRequest): boolean {
  return (
    charge.tenant === request.tenant &&
    charge.orderId === request.orderId &&
    charge.amountFen === request.amountFen &&
    request.outcome !== 'declined'
  );
}

function sameRefund(refund: Refund, request: RefundRequest): boolean {
  return (
    belongs(request, { ...refund, amountFen: refund.transactionAmountFen }) &&
    refund.transactionId === request.transactionId &&
    refund.amountFen === request.amountFen &&
    refund.reason === request.reason
  );
}

function belongs(
  request: RefundRequest,
  transaction: { tenant: string; orderId: string; amountFen: number },
): boolean {
  return (
    request.tenant === transaction.tenant &&
    request.orderId === transaction.orderId &&
    request.transactionAmountFen === transaction.amountFen
  );
}

function definedOnly(request: ChargeRequest): ChargeRequest {
  return JSON.parse(JSON.stringify(request)) as ChargeRequest;
}
