import { type ConversionResult, convertBatch } from '../db/presaleConversion';
import type { WaitingPlace } from '../db/presaleConversion.read';
import { settleCampaign } from '../db/presaleSettle';
import type { Database } from '../db/transaction';
import { reportingFaults } from './faults';

export interface CampaignKey {
  tenant: string;
  campaignId: string;
}

/** Instants in ISO 8601. */
export interface SettledCampaign {
  reserved: number;
  waiting: number;
  unreserved: number;
  lookAgainAt: string;
}

export interface PresaleActivities {
  /** Hands out what has come to the next lines that wait, and offers something else to those it passes over. */
  convertBatch(batch: CampaignKey & { after: WaitingPlace | null }): Promise<ConversionResult>;
  /** Gives what nobody needs to the shelf once the campaign is over and everybody is served. */
  settleCampaign(campaign: CampaignKey): Promise<SettledCampaign>;
}

export interface PresaleActivitiesNeeds {
  db: Database;
  /** How long a buyer has to answer an offer. */
  offerAnswerSeconds: number;
}

/** A way that was closed may have opened, and nobody tells: so often it is tried again by itself. */
const reviewMs = 3600_000;

export function createPresaleActivities({
  db,
  offerAnswerSeconds,
}: PresaleActivitiesNeeds): PresaleActivities {
  return reportingFaults({
    convertBatch: (batch) => convertBatch(db, { ...batch, offerAnswerSeconds }),

    async settleCampaign(campaign) {
      const { changesAt, ...standing } = await settleCampaign(db, campaign);
      const review = Date.now() + reviewMs;
      // a moment later, so that whoever ends what is due then has been there
      const change = changesAt === null ? review : changesAt.getTime() + 1500;
      return { ...standing, lookAgainAt: new Date(Math.min(review, change)).toISOString() };
    },
  } satisfies PresaleActivities);
}
