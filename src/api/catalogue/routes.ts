import { putCategory, putSku, type SkuRecord } from '../../db/catalogue';
import { categorySource, skuSource } from '../../db/catalogue.read';
import type { CategoryRule } from '../../domain/catalogue/model';
import { resourceRoutes } from '../http/resource';
import type { Route } from '../http/route';
import { litresOf, millilitresOf } from '../http/schema';
import { categoryAnswer, categoryBody, type SkuBody, skuAnswer, skuBody } from './schema';

/** Components are left out of a plain SKU, so that what was put is what is shown. */
type StoredSku = Omit<SkuRecord, 'components'> & { sku: string; components?: SkuRecord['components'] };

export const catalogueRoutes: Route[] = [
  ...resourceRoutes<typeof skuBody, StoredSku>({
    tag: 'Catalogue',
    path: '/v1/skus',
    id: 'sku',
    noun: 'SKU',
    body: skuBody,
    answer: skuAnswer,
    source: skuSource,
    readers: ['host'],
    refusals: ['in-use', 'unknown-reference', 'bundle-in-bundle'],
    put: (tx, sku, body) => putSku(tx, sku, recordOf(body)),
    show: ({ volumeMillilitres, ...stored }) => ({ ...stored, volumeLitres: litresOf(volumeMillilitres) }),
  }),
  ...resourceRoutes<typeof categoryBody, CategoryRule & { category: string }>({
    tag: 'Catalogue',
    path: '/v1/categories',
    id: 'category',
    noun: 'category',
    body: categoryBody,
    answer: categoryAnswer,
    source: categorySource,
    readers: ['host'],
    refusals: [],
    put: putCategory,
    show: (stored) => stored,
  }),
];

function recordOf({ volumeLitres, handling, safetyStock, components, ...body }: SkuBody): SkuRecord {
  return {
    ...body,
    handling: [...new Set(handling)],
    safetyStock: safetyStock ?? 0,
    components: components ?? [],
    volumeMillilitres: millilitresOf(volumeLitres),
  };
}
