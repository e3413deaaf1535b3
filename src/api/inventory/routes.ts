import { type ReceiptAnswer, receiveStock } from '../../db/inventory';
import { readMovements, readStock } from '../../db/inventory.read';
import { sliceOf } from '../../db/page';
import { canonicalJson } from '../../intake/canonical';
import { sellableAnswer, sellableQuery } from '../catalogue/schema';
import { sha256, tenantRoles } from '../http/auth';
import { pageAnswer, pageOf, pageSchema } from '../http/page';
import { Problem, refuseField } from '../http/problem';
import { created, defineRoute, ok, type Reply, type Route } from '../http/route';
import {
  movementItem,
  movementPosition,
  movementQuery,
  receiptAnswer,
  receiptBody,
  stockItem,
  stockPosition,
  stockQuery,
} from './schema';

const tag = 'Stock';

export const inventoryRoutes: Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/stock/receipts',
    tag,
    summary: 'Receive lots at a site: all or none, once per reference',
    access: ['ops', 'warehouse'],
    body: receiptBody,
    answers: { created: receiptAnswer, ok: receiptAnswer },
    refusals: [
      'idempotency-conflict',
      'unknown-reference',
      'wrong-zone',
      'bundle-has-no-stock',
      'lot-mismatch',
      'campaign-mismatch',
    ],
    async handle({ deps, tenant, body, actor }) {
      const bodyDigest = sha256(canonicalJson(body));
      const answer = await deps.app.inTenant(tenant, (tx) =>
        receiveStock(tx, { ...body, actor, bodyDigest }),
      );
      return answerReceipt(answer, body);
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock',
    tag,
    summary: 'Balances by SKU, site and lot',
    access: ['ops', 'warehouse'],
    query: stockQuery,
    answers: { ok: pageSchema(stockItem) },
    async handle({ deps, tenant, query }) {
      const { limit, after } = pageOf(query, stockPosition);
      const filter = { sku: query.sku, siteId: query.siteId, after: after ?? undefined, limit: limit + 1 };
      const rows = await deps.app.inTenant(tenant, (tx) => readStock(tx, filter));
      const position = ({ sku, siteId, lotId }: (typeof rows)[number]) => ({ sku, siteId, lotId });
      return ok(pageAnswer(sliceOf(rows, limit, { item: (row) => row, position })));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/movements',
    tag,
    summary: 'The journal, newest first, each movement with its cause',
    access: ['ops', 'warehouse'],
    query: movementQuery,
    answers: { ok: pageSchema(movementItem) },
    async handle({ deps, tenant, query }) {
      const { limit, after } = pageOf(query, movementPosition);
      const { sku, siteId, lotId } = query;
      const rows = await deps.app.inTenant(tenant, (tx) =>
        readMovements(tx, { sku, siteId, lotId, after: after ?? undefined, limit: limit + 1 }),
      );
      return ok(pageAnswer(sliceOf(rows, limit, { item: (row) => row.item, position: (row) => row.cursor })));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/sellable',
    tag,
    summary: 'What can be sold of each SKU now; repeat `sku` for several',
    access: tenantRoles,
    query: sellableQuery,
    answers: { ok: sellableAnswer },
    async handle({ deps, tenant, query }) {
      return ok(await deps.sellable.read(tenant, query.sku));
    },
  }),
];

function answerReceipt(
  answer: ReceiptAnswer,
  { siteId, lots }: { siteId: string; lots: { sku: string; lotId: string; campaignId?: string }[] },
): Reply {
  switch (answer.kind) {
    case 'received':
      return created(answer.answer);
    case 'repeated':
      return ok(answer.answer);
    case 'conflict':
      throw new Problem('idempotency-conflict', { detail: 'This reference was received with another body.' });
    case 'unknownSite':
      return refuseField('unknown-reference', { path: 'siteId', expected: 'a site', received: siteId });
    case 'unknownSku':
      return refuseLot('unknown-reference', answer.index, {
        field: 'sku',
        expected: 'a SKU',
        received: lots[answer.index]?.sku,
      });
    case 'unknownCampaign':
      return refuseLot('unknown-reference', answer.index, {
        field: 'campaignId',
        expected: 'a presale campaign',
        received: lots[answer.index]?.campaignId,
      });
    case 'otherCampaign':
      return refuseLot('campaign-mismatch', answer.index, {
        field: 'campaignId',
        expected: 'a campaign that sells this SKU, or a bundle with it',
        received: lots[answer.index]?.campaignId,
      });
    case 'bundle':
      return refuseLot('bundle-has-no-stock', answer.index, {
        field: 'sku',
        expected: 'a plain SKU',
        received: lots[answer.index]?.sku,
      });
    case 'wrongZone':
      return refuseLot('wrong-zone', answer.index, {
        field: 'sku',
        expected: 'a SKU of a zone that the site has',
        received: `zone ${answer.zone}`,
      });
    case 'otherLot':
      return refuseLot('lot-mismatch', answer.index, {
        field: 'lotId',
        expected: 'the dates and origin that the lot came with before',
        received: lots[answer.index]?.lotId,
      });
  }
}

type LotProblem =
  | 'unknown-reference'
  | 'campaign-mismatch'
  | 'bundle-has-no-stock'
  | 'wrong-zone'
  | 'lot-mismatch';

function refuseLot(
  slug: LotProblem,
  index: number,
  about: { field: string; expected: string; received?: string },
): never {
  return refuseField(slug, {
    path: `lots.${index}.${about.field}`,
    expected: about.expected,
    received: about.received ?? 'nothing',
  });
}
