import { attentionRoutes } from './attention/routes';
import { catalogueRoutes } from './catalogue/routes';
import { forecastRoutes } from './forecast/routes';
import { eventRoutes } from './event/routes';
import { carrierRoutes } from './fulfilment/carrierRoutes';
import { fulfilmentRoutes } from './fulfilment/routes';
import type { RawRoute, Route } from './http/route';
import { inventoryRoutes } from './inventory/routes';
import { liveRoutes, reportPageRoute } from './live/routes';
import { sellableStreamRoute, streamTokenRoute } from './live/streamRoutes';
import { networkRoutes } from './network/routes';
import { orderRoutes } from './order/routes';
import { paymentRoutes } from './payment/routes';
import { docsAssetRoute, docsRoute, openApiRoute } from './plumbing/docs';
import { metricsRoute, plumbingRoutes, readyRoute } from './plumbing/routes';
import { presaleRoutes } from './presale/routes';
import { scheduleRoutes } from './schedule/routes';
import { tenantRoutes } from './tenant/routes';
import { webhookRoutes } from './webhook/routes';
import { webhookSecretRoutes } from './webhook/secretRoutes';

/** Every JSON route that the server has: mounted, described and tested from here. */
export const routes: readonly Route[] = [
  ...tenantRoutes,
  ...catalogueRoutes,
  ...networkRoutes,
  ...inventoryRoutes,
  ...orderRoutes,
  ...fulfilmentRoutes,
  ...attentionRoutes,
  ...paymentRoutes,
  ...carrierRoutes,
  ...presaleRoutes,
  ...forecastRoutes,
  ...scheduleRoutes,
  ...liveRoutes,
  streamTokenRoute,
  ...webhookRoutes,
  ...webhookSecretRoutes,
  ...eventRoutes,
  ...plumbingRoutes,
];

export const rawRoutes: readonly RawRoute[] = [
  readyRoute,
  metricsRoute,
  openApiRoute,
  docsRoute,
  docsAssetRoute,
  reportPageRoute,
  sellableStreamRoute,
];
