import { catalogueRoutes } from './catalogue/routes';
import type { RawRoute, Route } from './http/route';
import { inventoryRoutes } from './inventory/routes';
import { networkRoutes } from './network/routes';
import { metricsRoute, plumbingRoutes, readyRoute } from './plumbing/routes';
import { presaleRoutes } from './presale/routes';
import { tenantRoutes } from './tenant/routes';

/** Every JSON route that the server has: mounted, described and tested from here. */
export const routes: readonly Route[] = [
  ...tenantRoutes,
  ...catalogueRoutes,
  ...networkRoutes,
  ...inventoryRoutes,
  ...presaleRoutes,
  ...plumbingRoutes,
];

export const rawRoutes: readonly RawRoute[] = [readyRoute, metricsRoute];
