import { type CampaignRecord, putCampaign } from '../../db/presale';
import { campaignSource } from '../../db/presale.read';
import { resourceRoutes } from '../http/resource';
import type { Route } from '../http/route';
import { campaignAnswer, campaignBody } from './schema';

export const presaleRoutes: Route[] = resourceRoutes<typeof campaignBody, CampaignRecord>({
  tag: 'Presale',
  path: '/v1/presale-campaigns',
  id: 'campaignId',
  noun: 'presale campaign',
  body: campaignBody,
  answer: campaignAnswer,
  source: campaignSource,
  readers: ['host'],
  refusals: ['in-use', 'unknown-reference'],
  put: putCampaign,
  // demand is not aggregated yet: no plan, and no time of one
  show: (stored) => ({ ...stored, plan: [], aggregatedAt: null }),
});
