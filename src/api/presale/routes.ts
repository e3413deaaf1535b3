import { z } from 'zod';
import { type CampaignRecord, putCampaign } from '../../db/presale';
import { campaignSource } from '../../db/presale.read';
import { listAggregations } from '../../db/presaleAggregation.read';
import { pageAnswer, pageOf, pageQuery, pageSchema } from '../http/page';
import { Problem } from '../http/problem';
import { resourceRoutes } from '../http/resource';
import { defineRoute, ok, type Route } from '../http/route';
import { instantText } from '../http/schema';
import { aggregationAnswer, campaignAnswer, campaignBody, campaignParams } from './schema';

const tag = 'Presale';

interface StoredCampaign extends CampaignRecord {
  /** Absent before the first aggregation. */
  latest?: { aggregatedAt: string; plan: object[]; purchase: object[] };
}

export const presaleRoutes: Route[] = [
  ...resourceRoutes<typeof campaignBody, StoredCampaign>({
    tag,
    path: '/v1/presale-campaigns',
    id: 'campaignId',
    noun: 'presale campaign',
    body: campaignBody,
    answer: campaignAnswer,
    source: campaignSource,
    readers: ['host'],
    refusals: ['in-use', 'unknown-reference'],
    put: putCampaign,
    show: ({ latest, ...stored }) => ({
      ...stored,
      ...(latest ?? { aggregatedAt: null, plan: [], purchase: [] }),
    }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/presale-campaigns/{campaignId}/aggregations',
    tag,
    summary: 'How a campaign filled up: what each tick counted and projected, newest first',
    access: ['ops', 'host'],
    params: campaignParams,
    query: z.strictObject(pageQuery),
    answers: { ok: pageSchema(aggregationAnswer) },
    refusals: ['not-found'],
    async handle({ deps, tenant, params: { campaignId }, query }) {
      const page = pageOf(query, instantText);
      const slice = await deps.app.inTenant(tenant, (tx) => listAggregations(tx, campaignId, page));
      if (!slice) throw new Problem('not-found', { detail: `There is no presale campaign ${campaignId}.` });
      return ok(pageAnswer(slice));
    },
  }),
];
