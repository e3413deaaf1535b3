import { envelopeOf } from '../clients/webhook/eventWire';
import type { WebhookOutcome, WebhookSender } from '../clients/webhook/send';
import type { Envelope } from '../db/envelope';
import type { Database } from '../db/transaction';
import {
  type DueEvent,
  type EndpointKey,
  type EndpointStanding,
  findDueWork,
  readStanding,
  recordAttempt,
  type Standing,
} from '../db/webhookDelivery';
import { reportingFaults } from './faults';

export interface DeliveryRound {
  delivered: number;
  failed: number;
  standing: EndpointStanding;
  /** ISO 8601: since when it fails or is disabled. Versions before did not say. */
  since?: string | null;
  /** Deliveries that are not at their end. */
  pending: number;
  /** ISO 8601: when to look again; null: not before there is news. */
  nextAt: string | null;
}

export interface WebhookActivities {
  /** Sends what is due to the endpoint, each attempt written down, until nothing is due or the round's time is over. */
  deliverDue(endpoint: EndpointKey): Promise<DeliveryRound>;
}

export interface WebhookActivitiesNeeds {
  db: Database;
  webhooks: WebhookSender;
  /** Opens the secrets. */
  envelope: Envelope;
  /** 1; below it the schedule of retries runs faster. */
  webhookTimeScale: number;
}

/** Together with one attempt's fifteen seconds below the thirty that the workflow gives a round. */
const roundMs = 10_000;
const deliveriesAtOnce = 50;
const lanes = 8;
/** Fewer than count as down: what is left of a batch then waits for the endpoint to be felt for. */
const failuresUntilStop = 5;

export function createWebhookActivities(needs: WebhookActivitiesNeeds): WebhookActivities {
  const { db, envelope, webhookTimeScale: timeScale } = needs;
  return reportingFaults({
    async deliverDue(endpoint) {
      const told = { delivered: 0, failed: 0 };
      const until = Date.now() + roundMs;
      for (;;) {
        const work = await findDueWork(db, endpoint, { envelope, limit: deliveriesAtOnce, timeScale });
        if (work.kind === 'wait') {
          return { ...told, ...written(work) };
        }
        const batch = await sendBatch(needs, endpoint, { ...work, until });
        told.delivered += batch.delivered;
        told.failed += batch.failed;
        // how it stands when the round is over before the work is
        if (Date.now() >= until) {
          return { ...told, ...written(await readStanding(db, endpoint, { envelope, timeScale })) };
        }
      }
    },
  } satisfies WebhookActivities);
}

/** As it goes to Temporal. */
function written({
  standing,
  since,
  pending,
  nextAt,
}: Standing): Omit<DeliveryRound, 'delivered' | 'failed'> {
  return {
    standing,
    since: since?.toISOString() ?? null,
    pending,
    nextAt: nextAt?.toISOString() ?? null,
  };
}

interface Batch {
  url: string;
  secrets: string[];
  events: DueEvent[];
  /** Unix milliseconds: nothing is begun from then on. */
  until: number;
}

/** A few at a time; a row of failures ends the batch. */
async function sendBatch(
  needs: WebhookActivitiesNeeds,
  endpoint: EndpointKey,
  { url, secrets, events, until }: Batch,
): Promise<{ delivered: number; failed: number }> {
  const told = { delivered: 0, failed: 0 };
  const waiting = [...events];
  let failuresInARow = 0;
  const lane = async () => {
    for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) {
      if (failuresInARow >= failuresUntilStop || Date.now() >= until) return;
      const body = JSON.stringify(envelopeOf({ ...event, tenant: endpoint.tenant }));
      const outcome = await needs.webhooks.send({ url, secrets, webhookId: event.eventId, rawBody: body });
      await record(needs, endpoint, { event, outcome });
      const arrived = outcome.kind === 'delivered';
      failuresInARow = arrived ? 0 : failuresInARow + 1;
      told[arrived ? 'delivered' : 'failed'] += 1;
      if (outcome.kind === 'gone') return void waiting.splice(0);
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, events.length) }, lane));
  return told;
}

async function record(
  { db, webhookTimeScale: timeScale }: WebhookActivitiesNeeds,
  endpoint: EndpointKey,
  { event, outcome }: { event: DueEvent; outcome: WebhookOutcome },
): Promise<void> {
  const { kind, ...facts } = outcome;
  await recordAttempt(db, endpoint, {
    result: { eventId: event.eventId, outcome: kind, ...facts },
    rules: { timeScale, jitter: Math.random() },
  });
}
