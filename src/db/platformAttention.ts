import { type AttentionAction, type AttentionReason, attentionRule } from '../domain/order/attention';
import type { AttentionResolution } from './attentionResolve';
import type { Database, Tx } from './transaction';

export interface StrayNotice {
  reason: 'unknownTenant' | 'unknownOrder';
  /** Who numbers the notices: `payment/sandbox`, `carrier/<id>`. */
  source: string;
  noticeId: string;
  /** What it is about, so that one payment told twice is parked once. */
  subject: string;
  bodyDigest: Buffer;
  /** Ids and amounts; never personal data. */
  detail: Record<string, string | number>;
}

/**
 * Parks a partner's signed word that belongs to nobody we know. One notice id with another body is a conflict,
 * answered as such and shown too; the same word again is not news, even after somebody settled it.
 */
export async function parkStrayNotice(
  platform: Database,
  notice: StrayNotice,
): Promise<'parked' | 'repeated' | 'conflict'> {
  return platform.inTransaction(async (tx) => {
    const digest = notice.bodyDigest.toString('hex');
    const facts = { ...notice.detail, source: notice.source, noticeId: notice.noticeId, digest };
    const told = await tx.query<{ digest: string }>(
      `SELECT detail ->> 'digest' AS digest FROM platform_attention
        WHERE detail ->> 'source' = $1 AND detail ->> 'noticeId' = $2 AND reason <> 'conflictingNotice'`,
      [notice.source, notice.noticeId],
    );
    if (told.rows[0]?.digest === digest) return 'repeated';
    if (told.rows[0]) {
      await insertOnce(tx, {
        reason: 'conflictingNotice',
        subject: `${notice.source}/${notice.noticeId}`,
        detail: facts,
      });
      return 'conflict';
    }
    await insertOnce(tx, { reason: notice.reason, subject: notice.subject, detail: facts });
    return 'parked';
  });
}

async function insertOnce(
  tx: Tx,
  row: { reason: AttentionReason; subject: string; detail: object },
): Promise<void> {
  const rule = attentionRule(row.reason);
  await tx.query(
    `INSERT INTO platform_attention (reason, subject, owner, deadline, detail)
     VALUES ($1, $2, 'platform', clock_timestamp() + make_interval(mins => $3), $4)
     ON CONFLICT (reason, subject) DO NOTHING`,
    [row.reason, row.subject, rule.deadlineMinutes, JSON.stringify(row.detail)],
  );
}

export interface PlatformAnswer {
  attentionId: string;
  action: AttentionAction;
  detail?: unknown;
  actor: string;
}

/** Closes something parked with the platform; nothing follows from it by itself. */
export async function resolvePlatformAttention(
  platform: Database,
  answer: PlatformAnswer,
): Promise<AttentionResolution> {
  return platform.inTransaction(async (tx) => {
    const { rows } = await tx.query<{ reason: AttentionReason; resolved: boolean }>(
      `SELECT reason, resolved_at IS NOT NULL AS resolved FROM platform_attention WHERE attention_id::text = $1 FOR UPDATE`,
      [answer.attentionId],
    );
    const found = rows[0];
    if (!found) return { kind: 'notFound' };
    if (found.resolved) return { kind: 'alreadyResolved' };
    const { actions } = attentionRule(found.reason);
    if (!actions.includes(answer.action)) return { kind: 'notAllowed', actions };
    await tx.query(
      `UPDATE platform_attention SET resolved_at = clock_timestamp(), resolved_by = $2, action = $3, resolution = $4
        WHERE attention_id::text = $1`,
      [
        answer.attentionId,
        answer.actor,
        answer.action,
        answer.detail === undefined ? null : JSON.stringify({ detail: answer.detail }),
      ],
    );
    return { kind: 'resolved' };
  });
}
