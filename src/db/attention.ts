import { type AttentionReason, attentionRule } from '../domain/order/attention';
import { insertOrderEvent } from './order';
import type { TenantTx } from './transaction';

export interface NewAttention {
  reason: AttentionReason;
  /** What it is about; one open attention per reason and subject. */
  subject: string;
  orderId?: string;
  shipmentId?: string;
  /** Facts for the operator. Never personal data, never a partner's words. */
  detail?: Record<string, unknown>;
}

/** Parks something for a person, in the caller's transaction. Raising what is already open changes nothing. */
export async function raiseAttention(tx: TenantTx, attention: NewAttention): Promise<void> {
  const { orderId, reason } = attention;
  const raised = await raiseAttentions(tx, [attention]);
  if (raised.length === 0 || orderId === undefined) return;
  await insertOrderEvent(tx, orderId, 'attention', { reason });
}

/**
 * Parks any number of things, and answers which of them were not open yet. The caller writes the lines of the orders'
 * timelines, since they stand between others there.
 */
export async function raiseAttentions(tx: TenantTx, attentions: NewAttention[]): Promise<NewAttention[]> {
  if (attentions.length === 0) return [];
  const rules = attentions.map(({ reason }) => attentionRule(reason));
  const { rows } = await tx.query<{ reason: AttentionReason; subject: string }>(
    `INSERT INTO attention (tenant, reason, subject, order_id, shipment_id, owner, deadline, detail)
     SELECT $1, reason, subject, order_id, shipment_id, owner, clock_timestamp() + make_interval(mins => minutes),
            detail::jsonb
       FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::text[])
         AS a(reason, subject, order_id, shipment_id, owner, minutes, detail)
     ON CONFLICT (tenant, reason, subject) WHERE resolved_at IS NULL DO NOTHING
     RETURNING reason, subject`,
    [
      tx.tenant,
      attentions.map(({ reason }) => reason),
      attentions.map(({ subject }) => subject),
      attentions.map(({ orderId }) => orderId ?? null),
      attentions.map(({ shipmentId }) => shipmentId ?? null),
      rules.map(({ owner }) => owner),
      rules.map(({ deadlineMinutes }) => deadlineMinutes),
      attentions.map(({ detail }) => JSON.stringify(detail ?? {})),
    ],
  );
  return rows.flatMap(
    (row) => attentions.find((each) => each.reason === row.reason && each.subject === row.subject) ?? [],
  );
}

/** Closes every open attention of a reason on a subject because the cause went away by itself. */
export async function clearAttention(tx: TenantTx, reason: AttentionReason, subject: string): Promise<void> {
  await tx.query(
    `UPDATE attention SET resolved_at = clock_timestamp(), resolved_by = 'system', action = 'cleared'
      WHERE tenant = $1 AND reason = $2 AND subject = $3 AND resolved_at IS NULL`,
    [tx.tenant, reason, subject],
  );
}
