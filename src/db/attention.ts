import { type AttentionReason, attentionRule } from '../domain/order/attention';
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
  const rule = attentionRule(attention.reason);
  const { rowCount } = await tx.query(
    `INSERT INTO attention (tenant, reason, subject, order_id, shipment_id, owner, deadline, detail)
     VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(mins => $7), $8)
     ON CONFLICT (tenant, reason, subject) WHERE resolved_at IS NULL DO NOTHING`,
    [
      tx.tenant,
      attention.reason,
      attention.subject,
      attention.orderId ?? null,
      attention.shipmentId ?? null,
      rule.owner,
      rule.deadlineMinutes,
      JSON.stringify(attention.detail ?? {}),
    ],
  );
  if (rowCount === 1 && attention.orderId !== undefined) {
    await tx.query(
      `INSERT INTO order_event (tenant, order_id, kind, detail) VALUES ($1, $2, 'attention', $3)`,
      [tx.tenant, attention.orderId, JSON.stringify({ reason: attention.reason })],
    );
  }
}

/** Closes every open attention of a reason on a subject because the cause went away by itself. */
export async function clearAttention(tx: TenantTx, reason: AttentionReason, subject: string): Promise<void> {
  await tx.query(
    `UPDATE attention SET resolved_at = clock_timestamp(), resolved_by = 'system', action = 'cleared'
      WHERE tenant = $1 AND reason = $2 AND subject = $3 AND resolved_at IS NULL`,
    [tx.tenant, reason, subject],
  );
}
