import type { CarrierClient } from '../clients/carriers/client';
import type { PaymentClient } from '../clients/payment/client';
import type { WebhookSender } from '../clients/webhook/send';
import type { Envelope } from '../db/envelope';
import type { PersonalData } from '../db/personalData';
import type { Database } from '../db/transaction';
import { type ForecastActivities, createForecastActivities } from './forecast';
import { type FulfilmentActivities, createFulfilmentActivities } from './fulfilment';
import { type OrderActivities, type Patience, createOrderActivities } from './order';
import { type PresaleActivities, createPresaleActivities } from './presale';
import { type PresaleAggregationActivities, createPresaleAggregationActivities } from './presaleAggregation';
import { type RefundActivities, createRefundActivities } from './refund';
import { type WebhookActivities, createWebhookActivities } from './webhook';

export type Activities = OrderActivities &
  FulfilmentActivities &
  RefundActivities &
  WebhookActivities &
  ForecastActivities &
  PresaleActivities &
  PresaleAggregationActivities;

export interface ActivitiesNeeds {
  /** As `xianda_app`. */
  db: Database;
  payment: PaymentClient;
  carriers: CarrierClient;
  personalData: PersonalData;
  callbackUrl(carrierId: string): string;
  webhooks: WebhookSender;
  envelope: Envelope;
  webhookTimeScale: number;
  /** How long a buyer has to answer an offer. */
  offerAnswerSeconds: number;
  patience?: Partial<Patience>;
}

const defaultPatience: Patience = {
  overdueGraceSeconds: 3600,
  partnerRetrySeconds: 900,
  reviewSeconds: 24 * 3600,
};

/** All activities of all nouns, with what they need. */
export function createActivities({ patience, ...needs }: ActivitiesNeeds): Activities {
  return {
    ...createOrderActivities({ ...needs, patience: { ...defaultPatience, ...patience } }),
    ...createFulfilmentActivities(needs),
    ...createRefundActivities(needs),
    ...createWebhookActivities(needs),
    ...createForecastActivities(needs),
    ...createPresaleActivities(needs),
    ...createPresaleAggregationActivities(needs),
  };
}
