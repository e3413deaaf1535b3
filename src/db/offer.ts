import type { LocalDate } from '../domain/network/model';
import type { OfferKind } from '../domain/presale/offer';
import { isoUtc } from './isoUtc';
import { computedId } from './order';
import type { TenantTx } from './transaction';

/** A presale line that was not served when goods were handed out, and what its buyer is offered instead. */
export interface OfferedLine {
  orderId: string;
  lineId: string;
  promisedOn: LocalDate;
  laterOn: LocalDate;
  /** What the line is worth: it goes back when the refund is chosen. */
  amountFen: number;
}

/** One line is offered one thing once for each promised day: the key of idempotency. */
function offerIdOf({ orderId, lineId, promisedOn }: OfferedLine, kind: OfferKind): string {
  return computedId('f', [orderId, lineId, promisedOn, kind]);
}

/**
 * Offers each line a later date and its money back, to be answered within so many seconds. A line that was offered
 * both for the same promised day is not asked again. The caller holds the campaign's pool lock, so that a line cannot
 * be converted or given up meanwhile. Answers how many lines were asked.
 */
export async function insertOffers(
  tx: TenantTx,
  { lines, answerSeconds }: { lines: OfferedLine[]; answerSeconds: number },
): Promise<number> {
  if (lines.length === 0) return 0;
  const { rowCount } = await tx.query(
    `WITH made AS (
       INSERT INTO offer (tenant, offer_id, order_id, line_id, kind, promised_on, deliver_on, amount_fen, until)
       SELECT $1, CASE kind WHEN 'laterDate' THEN later_id ELSE refund_id END, order_id, line_id, kind, promised_on,
              CASE kind WHEN 'laterDate' THEN later_on END, CASE kind WHEN 'refund' THEN amount_fen END,
              (SELECT date_trunc('milliseconds', clock_timestamp())) + make_interval(secs => $9)
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::date[], $7::date[], $8::bigint[])
                AS l(later_id, refund_id, order_id, line_id, promised_on, later_on, amount_fen),
              unnest(ARRAY['laterDate', 'refund']) AS kind
       ON CONFLICT DO NOTHING RETURNING order_id, line_id, kind, until)
     INSERT INTO order_event (tenant, order_id, kind, detail)
     SELECT $1, order_id, 'offered', jsonb_build_object('lineId', line_id, 'until', ${isoUtc('until')})
       FROM made WHERE kind = 'refund'`,
    [
      tx.tenant,
      lines.map((line) => offerIdOf(line, 'laterDate')),
      lines.map((line) => offerIdOf(line, 'refund')),
      lines.map((line) => line.orderId),
      lines.map((line) => line.lineId),
      lines.map((line) => line.promisedOn),
      lines.map((line) => line.laterOn),
      lines.map((line) => line.amountFen),
      answerSeconds,
    ],
  );
  return rowCount;
}

/** Takes back what is still open about lines that have got their goods or been given up. */
export async function withdrawOffers(
  tx: TenantTx,
  lines: { orderId: string; lineId: string }[],
): Promise<void> {
  if (lines.length === 0) return;
  await tx.query(
    `UPDATE offer f SET state = 'withdrawn', ended_at = clock_timestamp(), ended_by = 'system'
       FROM unnest($2::text[], $3::text[]) AS l(order_id, line_id)
      WHERE f.tenant = $1 AND f.order_id = l.order_id AND f.line_id = l.line_id AND f.state = 'open'`,
    [tx.tenant, lines.map((line) => line.orderId), lines.map((line) => line.lineId)],
  );
}
