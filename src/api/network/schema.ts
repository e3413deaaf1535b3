import { z } from 'zod';
import { zones } from '../../domain/catalogue/model';
import { siteKinds } from '../../domain/network/model';
import {
  closedOn,
  days,
  distinct,
  fen,
  idText,
  litres,
  localTime,
  location,
  text,
  units,
  unitsOrNone,
  zone,
} from '../http/schema';
import { webhookUrl } from '../webhook/schema';

const servedZones = z
  .array(zone)
  .min(1)
  .max(zones.length)
  .refine((items) => new Set(items).size === items.length, { error: 'no item twice' });

/** http or https; in production the route asks for a place on the public internet besides. */
const partnerUrl = z.url({ protocol: /^https?$/, error: 'an http(s) URL' }).max(500);

export const siteFields = {
  name: text(200),
  kind: z.enum(siteKinds),
  location,
  zones: servedZones,
  cutoff: localTime,
  departsAt: distinct(localTime, 96).optional(),
  closedOn: closedOn.optional(),
  shipmentsPerHour: unitsOrNone.optional(),
  safetyStock: unitsOrNone.optional(),
};
export const siteBody = z.strictObject(siteFields);
export const siteAnswer = z.object({ siteId: idText, ...siteFields }).meta({ id: 'Site' });

const communityFields = { name: text(200), region: text(100), location, households: unitsOrNone.optional() };
export const communityBody = z.strictObject(communityFields);
export const communityAnswer = z
  .object({ communityId: idText, ...communityFields })
  .meta({ id: 'Community' });

const leaderFields = { name: text(200), certificate: z.enum(['basic', 'cold']) };
export const leaderBody = z.strictObject(leaderFields);
export const leaderAnswer = z.object({ leaderId: idText, ...leaderFields }).meta({ id: 'Leader' });

const pickupPointFields = {
  leaderId: idText,
  location,
  communities: distinct(idText, 1000),
  capacity: z.strictObject({ ambientLitres: litres, chilledLitres: litres, frozenLitres: litres }),
  opens: localTime,
  closes: localTime,
  closedOn: closedOn.optional(),
  temporary: z.boolean().optional(),
};
export const pickupPointBody = z.strictObject(pickupPointFields);
export type PickupPointBody = z.output<typeof pickupPointBody>;
export const pickupPointAnswer = z
  .object({ pickupPointId: idText, ...pickupPointFields })
  .meta({ id: 'PickupPoint' });

const carrierFields = {
  name: text(200),
  zones: servedZones,
  rates: z
    .array(z.strictObject({ zone, baseFen: fen, perKgFen: fen, perKmFen: fen }))
    .max(zones.length)
    .refine((rates) => new Set(rates.map((rate) => rate.zone)).size === rates.length, {
      error: 'one rate per zone',
    }),
  shipmentsPerDay: unitsOrNone,
  transitDays: days,
  baseUrl: partnerUrl,
};
export const carrierBody = z.strictObject(carrierFields);
export const carrierAnswer = z.object({ carrierId: idText, ...carrierFields }).meta({ id: 'Carrier' });

const supplierTerm = z.strictObject({
  sku: idText,
  casePack: units.optional().meta({ description: 'Sold in whole cases of so many; 1 when not given.' }),
  minimumOrder: unitsOrNone.optional().meta({ description: 'At least so many in one purchase.' }),
});

const supplierFields = {
  name: text(200),
  skus: distinct(idText, 3000),
  webhookUrl: webhookUrl.optional(),
  leadDays: days,
  terms: z
    .array(supplierTerm)
    .max(3000)
    .refine((terms) => new Set(terms.map((term) => term.sku)).size === terms.length, {
      error: 'one term per SKU',
    })
    .optional(),
};
export const supplierBody = z
  .strictObject(supplierFields)
  .refine((body) => (body.terms ?? []).every((term) => body.skus.includes(term.sku)), {
    error: 'terms of SKUs that the supplier sells',
    path: ['terms'],
  });
export const supplierAnswer = z.object({ supplierId: idText, ...supplierFields }).meta({ id: 'Supplier' });
