import { z } from 'zod';
import { eventEnvelope } from '../../clients/webhook/eventWire';
import { wireId } from '../../clients/wire';

/** What a supplier types into its own system: whose webhooks it takes, and with which key it answers where. */
export const accountRequest = z.strictObject({
  apiUrl: z.url({ protocol: /^https?$/ }).max(500),
  key: z.string().min(1).max(512),
  secrets: z.array(z.string().regex(/^whsec_[A-Za-z0-9+/=]+$/)).max(2),
});
export type Account = z.infer<typeof accountRequest>;

const line = z.looseObject({
  sku: wireId,
  region: z.string(),
  date: z.iso.date(),
  p50: z.int().min(0),
});

/** The event that suppliers are sent; unknown fields pass, for the sender may add some. */
export const forecastPublished = eventEnvelope.extend({
  type: z.literal('forecast.published'),
  data: z.looseObject({ forecastId: wireId, madeAt: z.string(), lines: z.array(line) }),
});
export type ForecastPublished = z.infer<typeof forecastPublished>;

export interface AnswerLine {
  sku: string;
  date: string;
  confirmed: number;
}

/** How a supplier answers. cut: less than was asked · late: after a while · twice: says it again · never: not at all. */
export const answerPolicies = ['confirm', 'cut', 'late', 'twice', 'never'] as const;
export type AnswerPolicy = (typeof answerPolicies)[number];
