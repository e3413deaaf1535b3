import { textColumn } from './columns';
import type { TenantTx } from './transaction';

/** What Temporal has to be told. The row is written in the transaction that made it true. */
export type OutboxMessage =
  | { kind: 'startOrder'; subject: string; payload: { run: number; again?: boolean }; urgent?: boolean }
  | { kind: 'signalOrder'; subject: string; payload: { stage: OrderStage; run: number }; urgent?: boolean }
  | {
      kind: 'startMoney';
      subject: string;
      payload: { provider: string; transactionId: string };
      urgent?: boolean;
    }
  | { kind: 'startRefund'; subject: string; payload: Record<string, never>; urgent?: boolean }
  | { kind: 'signalRefund'; subject: string; payload: Record<string, never>; urgent?: boolean }
  | { kind: 'wakeWebhook'; subject: string; payload: Record<string, never>; urgent?: boolean }
  | { kind: 'startConversion'; subject: string; payload: Record<string, never>; urgent?: boolean };

/**
 * In which order Temporal is told, as the column `precedence` counts it from 0. Urgent: somebody waits for it (paid
 * orders, money). Patient: the start of an unpaid order, whose hold ends in PostgreSQL whether or not it has a workflow.
 */
export const precedences = ['urgent', 'soon', 'patient'] as const;

export type Precedence = (typeof precedences)[number];

/**
 * A stage the order's workflow waits for. `resumed`: somebody cleared what was in attention and asked to try
 * again. `ended`: every shipment is delivered, returned or cancelled.
 */
export type OrderStage = 'paid' | 'cancelled' | 'resumed' | 'ended';

/**
 * Subject: order id (startOrder, signalOrder), transaction id (startMoney), refund id (startRefund, signalRefund),
 * endpoint id (wakeWebhook) or campaign id (startConversion).
 */
export async function insertOutbox(tx: TenantTx, messages: OutboxMessage[]): Promise<void> {
  if (messages.length === 0) return;
  await tx.query(
    `INSERT INTO outbox (tenant, kind, subject, payload, urgent)
     SELECT $1, kind, subject, payload::jsonb, urgent
       FROM unnest($2::text[], $3::text[], $4::text[], $5::boolean[]) AS m(kind, subject, payload, urgent)`,
    [
      tx.tenant,
      textColumn(messages, (message) => message.kind),
      textColumn(messages, (message) => message.subject),
      textColumn(messages, (message) => JSON.stringify(message.payload)),
      messages.map((message) => message.urgent ?? false),
    ],
  );
}

/** Has the workflows of orders look at their rows again: something they wait for has come about. */
export async function tellResumed(tx: TenantTx, orders: { orderId: string; run: number }[]): Promise<void> {
  await insertOutbox(
    tx,
    orders.map(({ orderId, run }) => ({
      kind: 'signalOrder',
      subject: orderId,
      payload: { stage: 'resumed', run },
      urgent: true,
    })),
  );
}
