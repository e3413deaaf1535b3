import type { WorkflowStartOptions } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import type { ClaimedOrder } from '../db/dispatch';
import type { Reader } from '../domain/tenant/model';
import type { LateMoneyWorkflowInput, RefundWorkflowInput } from '../workflows/order/messages';
import { wordingFor } from '../workflows/order/texts';
import type { ArrivalWorkflowInput } from '../workflows/presale/messages';
import { arrivalWordingFor } from '../workflows/presale/texts';
import type { WebhookWorkflowInput } from '../workflows/webhook/messages';
import { webhookWordingFor } from '../workflows/webhook/texts';

/** What the Web UI shows of a workflow from its start: a line, some lines more, and columns to filter by. */
type Description = Pick<WorkflowStartOptions, 'staticSummary' | 'staticDetails' | 'typedSearchAttributes'>;

const tenantKey = defineSearchAttributeKey('Tenant', 'KEYWORD');
const stageKey = defineSearchAttributeKey('OrderStage', 'KEYWORD');
const sessionKey = defineSearchAttributeKey('LiveSession', 'KEYWORD');
const pickupPointKey = defineSearchAttributeKey('PickupPoint', 'KEYWORD');
const regionKey = defineSearchAttributeKey('Region', 'KEYWORD');
const campaignsKey = defineSearchAttributeKey('Campaigns', 'KEYWORD_LIST');
const promisedAtKey = defineSearchAttributeKey('PromisedAt', 'DATETIME');

type StartedOrder = ClaimedOrder & { tenant: string; orderId: string };

export function describeOrder(order: StartedOrder, reader: Reader): Description {
  const { tenant, state, deliverBy, liveSessionId, pickupPointId, region, campaignIds } = order;
  const { start, at, clock } = wordingFor(reader);
  const facts = start.facts({ ...order, deliverBy: at(deliverBy.getTime()) });
  return {
    staticSummary: start.order(order),
    staticDetails: [...facts.map((fact) => `- ${fact}`), '', clock(reader.timeZone)].join('\n'),
    typedSearchAttributes: new TypedSearchAttributes([
      { key: tenantKey, value: tenant },
      { key: stageKey, value: state },
      { key: promisedAtKey, value: deliverBy },
      ...(liveSessionId === null ? [] : [{ key: sessionKey, value: liveSessionId }]),
      ...(pickupPointId === null ? [] : [{ key: pickupPointKey, value: pickupPointId }]),
      ...(region === null ? [] : [{ key: regionKey, value: region }]),
      ...(campaignIds.length === 0 ? [] : [{ key: campaignsKey, value: campaignIds }]),
    ]),
  };
}

export function describeMoney({ tenant, transactionId, reader }: LateMoneyWorkflowInput): Description {
  return { staticSummary: wordingFor(reader).start.money(transactionId), ...ofTenant(tenant) };
}

export function describeRefund({ tenant, refundId, reader }: RefundWorkflowInput): Description {
  return { staticSummary: wordingFor(reader).start.refund(refundId), ...ofTenant(tenant) };
}

export function describeWebhook({ tenant, endpointId, reader }: WebhookWorkflowInput): Description {
  return { staticSummary: webhookWordingFor(reader).start(endpointId), ...ofTenant(tenant) };
}

export function describeArrival({ tenant, campaignId, reader }: ArrivalWorkflowInput): Description {
  return {
    staticSummary: arrivalWordingFor(reader).start(campaignId),
    typedSearchAttributes: new TypedSearchAttributes([
      { key: tenantKey, value: tenant },
      { key: campaignsKey, value: [campaignId] },
    ]),
  };
}

function ofTenant(tenant: string): Description {
  return { typedSearchAttributes: new TypedSearchAttributes([{ key: tenantKey, value: tenant }]) };
}
