import { type AttentionAction, type AttentionReason, attentionRule } from '../domain/order/attention';
import { fromMicros, microsOf } from './isoUtc';
import { type Page, type Slice, sliceOf } from './page';
import type { Database, TenantTx, Tx } from './transaction';

export interface AttentionItem {
  attentionId: string;
  reason: AttentionReason;
  subject: string;
  orderId?: string;
  shipmentId?: string;
  owner: string;
  deadline: Date;
  since: Date;
  detail: object;
  actions: readonly AttentionAction[];
  /** Of its order, at present; null without one. */
  run: number | null;
}

export interface AttentionPosition {
  micros: number;
  attentionId: string;
}

export interface AttentionFilter {
  orderId?: string;
  reason?: AttentionReason;
}

interface AttentionRow extends Omit<AttentionItem, 'actions' | 'orderId' | 'shipmentId'> {
  orderId: string | null;
  shipmentId: string | null;
  micros: number;
}

/** What is open in a tenant, the nearest deadline first, each with what may be done about it. */
export async function listAttention(
  tx: TenantTx,
  filter: AttentionFilter,
  page: Page<AttentionPosition>,
): Promise<Slice<AttentionItem, AttentionPosition>> {
  const { rows } = await tx.query<AttentionRow>(
    `SELECT ${columns}, order_id AS "orderId", shipment_id AS "shipmentId",
            (SELECT o.run FROM orders o WHERE o.tenant = attention.tenant AND o.order_id = attention.order_id) AS run
       FROM attention
      WHERE tenant = $1 AND resolved_at IS NULL AND ($2::text IS NULL OR order_id = $2)
        AND ($3::text IS NULL OR reason = $3) AND ${pastCursor('$4', '$5')}
      ORDER BY deadline, attention_id LIMIT $6 + 1`,
    [tx.tenant, filter.orderId ?? null, filter.reason ?? null, ...cursorOf(page), page.limit],
  );
  return slice(rows, page.limit);
}

/** What is open and belongs to no tenant. Runs as the platform. */
export async function listPlatformAttention(
  platform: Database,
  filter: AttentionFilter,
  page: Page<AttentionPosition>,
): Promise<Slice<AttentionItem, AttentionPosition>> {
  return platform.inTransaction(async (tx: Tx) => {
    const { rows } = await tx.query<AttentionRow>(
      `SELECT ${columns}, NULL AS "orderId", NULL AS "shipmentId", NULL::integer AS run
         FROM platform_attention
        WHERE resolved_at IS NULL AND ($1::text IS NULL OR detail ->> 'orderId' = $1)
          AND ($2::text IS NULL OR reason = $2) AND ${pastCursor('$3', '$4')}
        ORDER BY deadline, attention_id LIMIT $5 + 1`,
      [filter.orderId ?? null, filter.reason ?? null, ...cursorOf(page), page.limit],
    );
    return slice(rows, page.limit);
  });
}

const columns = `attention_id AS "attentionId", reason, subject, owner, deadline, created_at AS since, detail,
  ${microsOf('deadline')} AS micros`;

function pastCursor(micros: string, attentionId: string): string {
  return `(${micros}::bigint IS NULL OR (deadline, attention_id) > (${fromMicros(micros)}, ${attentionId}::uuid))`;
}

function cursorOf({ after }: Page<AttentionPosition>): (number | string | null)[] {
  return [after?.micros ?? null, after?.attentionId ?? null];
}

function slice(rows: AttentionRow[], limit: number): Slice<AttentionItem, AttentionPosition> {
  return sliceOf(rows, limit, {
    item: ({ micros: _position, orderId, shipmentId, ...row }) => ({
      ...row,
      ...(orderId === null ? {} : { orderId }),
      ...(shipmentId === null ? {} : { shipmentId }),
      actions: attentionRule(row.reason).actions,
    }),
    position: ({ micros, attentionId }) => ({ micros, attentionId }),
  });
}
