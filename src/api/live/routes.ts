import type { Request, Response } from 'express';
import { findShowFacts, isShowKnown } from '../../db/showReport.read';
import { isKeyValid } from '../../db/tenant';
import { computeShowReport, type ShowReport } from '../../domain/live/showReport';
import { drawNoticePage } from '../../report/noticePage';
import { drawShowPage, pagePolicy } from '../../report/showPage';
import type { Language } from '../../report/words';
import type { ApiDeps } from '../deps';
import { readQuery } from '../http/body';
import { check, sendPage } from '../http/mount';
import { Problem, problems } from '../http/problem';
import { created, defineRoute, ok, pageOfHtml, type RawRoute, type Route } from '../http/route';
import { readToken, writeToken } from '../http/signedToken';
import { reportLink, type ReportLink } from './reportLinks';
import { linkAnswer, linkBody, linkQuery, reportAnswer, reportParams, reportQuery } from './schema';

const tag = 'Live';
const access = ['ops', 'host'] as const;
/** Long enough to open it and hand it to the next desk; a report is data of the brand. */
const linkMinutes = 15;

export const liveRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/live-sessions/{liveSessionId}/report',
    tag,
    summary:
      'The report of a live session, made from the books as they stand now: JSON, or a page for people',
    access,
    params: reportParams,
    query: reportQuery,
    answers: { ok: reportAnswer },
    page: true,
    refusals: ['not-found'],
    async handle(call) {
      const { deps, params, query, request } = call;
      const report = await makeReport(deps, call.tenant, params.liveSessionId);
      if (!wantsPage(request, query.format)) return ok(report);
      const language = query.language ?? languageOf(request);
      return pageOfHtml({ html: await drawShowPage(report, { language }), policy: pagePolicy });
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/live-sessions/{liveSessionId}/report-links',
    tag,
    summary: `A link that shows the report in a browser for ${linkMinutes} minutes, without a key`,
    access,
    params: reportParams,
    body: linkBody,
    answers: { created: linkAnswer },
    refusals: ['not-found'],
    async handle(call) {
      const { deps, params, body, principal, tenant } = call;
      const { liveSessionId } = params;
      if (!('keyId' in principal)) throw new Error('a tenant’s key has an id');
      if (!(await deps.app.inTenant(tenant, (tx) => isShowKnown(tx, liveSessionId))))
        throw noSuchShow(liveSessionId);
      const expiresAt = Date.now() + linkMinutes * 60_000;
      const token = writeToken(deps.personalData, reportLink, {
        tenant,
        liveSessionId,
        keyId: principal.keyId,
        expiresAt,
      });
      const language = body.language === undefined ? '' : `&language=${body.language}`;
      const path = `/v1/live-sessions/${encodeURIComponent(liveSessionId)}/report.html`;
      return created({
        url: `${deps.settings.publicUrl}${path}?token=${token}${language}`,
        expiresAt: new Date(expiresAt).toISOString(),
      });
    },
  }),
];

export const reportPageRoute: RawRoute = {
  method: 'get',
  path: '/v1/live-sessions/{liveSessionId}/report.html',
  tag,
  summary: 'The page behind a report link, for whoever has the link',
  params: reportParams,
  query: linkQuery,
  contentType: 'text/html',
  guarded: true,
  async handle(deps, request, response) {
    const { liveSessionId } = check(reportParams, { ...request.params });
    const query = check(linkQuery, readQuery(request.url));
    const language = query.language ?? languageOf(request);
    const link = query.token === undefined ? null : readToken(deps.personalData, reportLink, query.token);
    if (link === null || link.liveSessionId !== liveSessionId || !(await isStanding(deps, link))) {
      sendNotice(response, language);
      return;
    }
    const report = await makeReport(deps, link.tenant, liveSessionId);
    sendPage(response, { html: await drawShowPage(report, { language }), policy: pagePolicy });
  },
};

async function makeReport(deps: ApiDeps, tenant: string, liveSessionId: string): Promise<ShowReport> {
  const facts = await deps.reports.inTenant(tenant, (tx) => findShowFacts(tx, liveSessionId));
  if (!facts) throw noSuchShow(liveSessionId);
  return computeShowReport(facts);
}

function noSuchShow(liveSessionId: string): Problem {
  return new Problem('not-found', { detail: `No order names the live session ${liveSessionId}.` });
}

/** JSON unless a page is asked for: programs that send no Accept, or accept all, get JSON. */
function wantsPage(request: Request, format: 'json' | 'html' | undefined): boolean {
  if (format !== undefined) return format === 'html';
  return request.accepts(['json', 'html']) === 'html';
}

function languageOf(request: Request): Language {
  return request.acceptsLanguages(['zh', 'en']) === 'en' ? 'en' : 'zh';
}

async function isStanding({ app }: ApiDeps, { tenant, keyId, expiresAt }: ReportLink): Promise<boolean> {
  return expiresAt > Date.now() && (await app.inTenant(tenant, (tx) => isKeyValid(tx, keyId)));
}

/** A person reads this: a page in their language, with the status a program would get. */
function sendNotice(response: Response, language: Language): void {
  response.status(problems.unauthorized.status);
  response.setHeader('WWW-Authenticate', 'Bearer');
  sendPage(response, { html: drawNoticePage('linkExpired', language), policy: pagePolicy });
}
