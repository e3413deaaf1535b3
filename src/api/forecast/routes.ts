import { z } from 'zod';
import { type DemandImport, importDemand } from '../../db/demand';
import { listForecasts } from '../../db/forecast.read';
import { answerSupplierForecast, type SupplierAnswer } from '../../db/supplierForecast';
import { findSupplierForecast, listSupplierForecasts, readNamedLines } from '../../db/supplierForecast.read';
import type { Principal } from '../http/auth';
import { pageAnswer, pageOf, pageQuery, pageSchema } from '../http/page';
import { Problem, refuseField } from '../http/problem';
import { defineRoute, file, ok, type Route } from '../http/route';
import { idText } from '../http/schema';
import { demandBodyOf } from './demandCsv';
import { forecastCsv } from './forecastCsv';
import {
  answerBody,
  csvQuery,
  demandAnswer,
  demandBody,
  forecastItem,
  forecastPosition,
  forecastQuery,
  supplierForecast,
  supplierForecastPosition,
} from './schema';

const tag = 'Forecast';
const importBytes = 20 * 1024 * 1024;
/** Each is a fortnight of every SKU and region: few are a megabyte already. */
const forecastsAtOnce = 5;

/** Whose forecasts a caller may see: a supplier's key its own, the tenant's people all. */
function supplierOf(principal: Principal): string | null {
  return 'supplierId' in principal && principal.role === 'supplier' ? (principal.supplierId ?? '') : null;
}

export const forecastRoutes: Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/demand-history',
    tag,
    summary:
      'Bring along the demand of past days: units ordered by SKU, region and day; all rows or none, the same row again replaces',
    access: ['ops'],
    body: demandBody,
    csv: { limitBytes: importBytes, bodyOf: demandBodyOf },
    answers: { ok: demandAnswer },
    refusals: ['unknown-sku', 'bundle-has-no-stock', 'day-not-over'],
    async handle({ deps, tenant, body }) {
      const rows = body.rows.map((row) => ({ ...row, stockout: row.stockout ?? false }));
      const outcome = await deps.app.inTenant(tenant, (tx) => importDemand(tx, rows));
      if (outcome.kind !== 'stored') refuseImport(outcome);
      return ok({ rows: rows.length });
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/forecasts',
    tag,
    summary: 'Shelf demand to expect, from today on, by SKU, region and day; presale has its own plan',
    access: ['ops', 'host', 'warehouse'],
    query: forecastQuery,
    answers: { ok: pageSchema(forecastItem) },
    async handle({ deps, tenant, query }) {
      const { sku, region } = query;
      const page = pageOf(query, forecastPosition);
      const slice = await deps.app.inTenant(tenant, (tx) => listForecasts(tx, { sku, region }, page));
      return ok(pageAnswer(slice));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/suppliers/{supplierId}/forecasts',
    tag,
    summary: 'What a supplier was sent, newest first; a supplier’s key sees its own',
    access: ['ops', 'supplier'],
    params: z.strictObject({ supplierId: idText }),
    query: z.strictObject(pageQuery),
    answers: { ok: pageSchema(supplierForecast) },
    refusals: ['not-found'],
    async handle({ deps, tenant, principal, params: { supplierId }, query }) {
      const own = supplierOf(principal);
      if (own !== null && own !== supplierId)
        throw new Problem('forbidden', { detail: 'A supplier’s key sees its own forecasts only.' });
      const page = pageOf({ limit: forecastsAtOnce, ...query }, supplierForecastPosition);
      const slice = await deps.app.inTenant(tenant, (tx) => listSupplierForecasts(tx, supplierId, page));
      if (slice === null) throw new Problem('not-found', { detail: `There is no supplier ${supplierId}.` });
      return ok(pageAnswer(slice));
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/supplier-forecasts/{forecastId}/answer',
    tag,
    summary:
      'Say what will be delivered of a SKU on a day, over all regions; the last word before the day begins counts',
    access: ['ops', 'supplier'],
    params: z.strictObject({ forecastId: idText }),
    body: answerBody,
    answers: { ok: supplierForecast },
    refusals: ['not-found', 'unknown-reference', 'answer-too-late'],
    async handle({ deps, tenant, principal, actor, params: { forecastId }, body }) {
      const answer = { forecastId, supplierId: supplierOf(principal), lines: body.lines, actor };
      const outcome = await deps.app.inTenant(tenant, (tx) => answerSupplierForecast(tx, answer));
      if (outcome.kind !== 'recorded') return refuseAnswer(outcome, forecastId);
      return ok(outcome.forecast);
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/supplier-forecasts/{forecastId}/csv',
    tag,
    summary: 'A supplier’s forecast as a sheet, with headings in the tenant’s language or the one asked for',
    access: ['ops', 'supplier'],
    params: z.strictObject({ forecastId: idText }),
    query: csvQuery,
    answers: { ok: z.string() },
    answerType: 'text/csv',
    refusals: ['not-found', 'not-in-charset'],
    async handle({ deps, tenant, principal, params: { forecastId }, query }) {
      const { charset = 'utf-8' } = query;
      const own = supplierOf(principal);
      const found = await deps.app.inTenant(tenant, async (tx) => {
        const head = await findSupplierForecast(tx, forecastId);
        if (head === null || (own !== null && own !== head.supplierId)) return null;
        return readNamedLines(tx, forecastId);
      });
      if (found === null) throw unknownForecast(forecastId);
      const bytes = forecastCsv(found.lines, { language: query.language ?? found.language, charset });
      return file({ bytes, type: `text/csv; charset=${charset}`, name: `forecast-${forecastId}.csv` });
    },
  }),
];

function refuseImport(outcome: Exclude<DemandImport, { kind: 'stored' }>): never {
  const { position, row } = outcome;
  switch (outcome.kind) {
    case 'unknownSku':
      return refuseField('unknown-sku', {
        path: `rows.${position}.sku`,
        expected: 'a SKU of the catalogue',
        received: row.sku,
      });
    case 'bundle':
      return refuseField('bundle-has-no-stock', {
        path: `rows.${position}.sku`,
        expected: 'its components, each in a row of its own',
        received: row.sku,
      });
    case 'notFinished':
      return refuseField('day-not-over', {
        path: `rows.${position}.date`,
        expected: 'a day that is over',
        received: row.date,
      });
  }
}

function refuseAnswer(outcome: Exclude<SupplierAnswer, { kind: 'recorded' }>, forecastId: string): never {
  switch (outcome.kind) {
    case 'notFound':
      throw unknownForecast(forecastId);
    case 'unknownLine':
      return refuseField('unknown-reference', {
        path: `lines.${outcome.position}`,
        expected: 'a SKU and day of the forecast',
        received: `${outcome.line.sku} on ${outcome.line.date}`,
      });
    case 'tooLate':
      return refuseField('answer-too-late', {
        path: `lines.${outcome.position}.date`,
        expected: 'today or a day to come, or the word as it stands',
        received: outcome.line.date,
      });
  }
}

function unknownForecast(forecastId: string): Problem {
  return new Problem('not-found', { detail: `There is no supplier forecast ${forecastId}.` });
}
