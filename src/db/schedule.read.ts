import type { Database } from './transaction';

/** A tenant that has been there long enough to have its schedules, and its open campaigns that were not summed up. */
export interface ScheduleDuty {
  tenant: string;
  /** Campaigns open now whose last aggregation is too old. */
  stale: { campaignId: string; aggregatedAt: string | null }[];
}

/**
 * What schedules owe: tenants older than `settledMinutes`, and of each the open campaigns with a quota that have been
 * known, open and not summed up for longer than `staleMinutes`. Role xianda_checker.
 */
export async function readScheduleDuties(
  db: Database,
  { settledMinutes, staleMinutes }: { settledMinutes: number; staleMinutes: number },
): Promise<ScheduleDuty[]> {
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<ScheduleDuty>(
      `SELECT t.tenant, coalesce((
         SELECT json_agg(json_build_object('campaignId', c.campaign_id, 'aggregatedAt', a.as_of) ORDER BY c.campaign_id)
           FROM presale_campaign c
           LEFT JOIN LATERAL (SELECT max(as_of) AS as_of FROM presale_aggregation a
                               WHERE a.tenant = c.tenant AND a.campaign_id = c.campaign_id) a ON true
          WHERE c.tenant = t.tenant AND c.opens_at < now() AND now() < c.closes_at
            AND greatest(a.as_of, c.opens_at, c.created_at) < now() - make_interval(mins => $2)
            AND EXISTS (SELECT 1 FROM presale_quota q
                         WHERE q.tenant = c.tenant AND q.campaign_id = c.campaign_id AND q.units > 0)), '[]') AS stale
         FROM tenant t WHERE t.created_at < now() - make_interval(mins => $1) ORDER BY t.tenant`,
      [settledMinutes, staleMinutes],
    );
    return rows;
  });
}
