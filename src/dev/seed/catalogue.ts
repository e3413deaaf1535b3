import { ambientShelves } from './ambientShelves';
import { coldShelves } from './coldShelves';
import type { SeedCategory, SeedSku, Zone } from './seedModel';
import type { Shelf } from './shelf';

/** A kind of product the brand carries, and the kind of the basket extract that it stands for. */
export interface Kind {
  sku: string;
  nameZh: string;
  extractKey: string;
  weightGrams: number;
  priceFen: number;
  shelf: Shelf;
}

/** 秒杀: short holds, so that a unit nobody pays for is back on sale within the show. */
const flashCategory = 'flash-sale';
const flashHoldMinutes = 1;

/** Goods the host counts down to ("三、二、一，上链接"); far fewer come in than are asked for. */
export const hotSkus = [
  'strawberries',
  'eggs-extra-large',
  'ice-cream-pint',
  'beef-steak',
  'cherries',
  'rice-5kg',
];
/** On the same short holds, but with plenty in stock. */
export const plentifulFlashSkus = [
  'oranges',
  'orange-juice',
  'roasted-nuts',
  'raw-shrimp',
  'potato-chips',
  'yogurt-multipack',
];
/** What one buyer may take of a hot SKU in one live session. */
export const hotPurchaseLimit = 3;

/** Words in front of a name, as brands use them; all invented. */
const qualifiers = ['鲜达严选', '禾里', '云坡', '青圩', '南汀', '知时', '小满田', '澄湖'];

const temperatures: Record<Zone, { min: number; max: number } | undefined> = {
  ambient: undefined,
  chilled: { min: 0, max: 4 },
  frozen: { min: -25, max: -18 },
  special: undefined,
};

const giftBoxes = [
  giftBox('gift-breakfast', '早安鲜达礼盒', 'chilled', {
    'fresh-milk': 2,
    'eggs-large': 1,
    'white-bread': 1,
    jam: 1,
  }),
  giftBox('gift-hotpot', '暖冬火锅礼盒', 'chilled', {
    'beef-slices': 2,
    'fish-fillets': 1,
    'choy-sum': 1,
    shiitake: 1,
  }),
  giftBox('gift-fruit', '四季鲜果礼盒', 'ambient', { 'fuji-apples': 1, oranges: 1, 'white-grapes': 1 }),
  giftBox('gift-family', '阖家团圆礼盒', 'frozen', {
    'pork-dumplings': 2,
    'raw-shrimp': 1,
    'dried-noodles': 1,
    'vegetable-oil': 1,
  }),
  giftBox('gift-movie', '追剧零食礼盒', 'ambient', {
    'potato-chips': 2,
    'roasted-nuts': 1,
    'cola-cans-12': 1,
    'chocolate-bag': 1,
  }),
];
/** A gift box costs nine tenths of its parts. */
const giftBoxTenths = 9;

interface GiftBox {
  sku: string;
  nameZh: string;
  zone: Zone;
  components: Array<{ sku: string; quantity: number }>;
}

function giftBox(sku: string, nameZh: string, zone: Zone, parts: Record<string, number>): GiftBox {
  return {
    sku,
    nameZh,
    zone,
    components: Object.entries(parts).map(([part, quantity]) => ({ sku: part, quantity })),
  };
}

/** Every kind of product of the range, in the order of the shelves. Throws on a malformed row. */
export function readKinds(): Kind[] {
  return [...ambientShelves, ...coldShelves].flatMap((shelf) =>
    shelf.rows
      .trim()
      .split('\n')
      .map((row) => readKind(row, shelf)),
  );
}

function readKind(row: string, shelf: Shelf): Kind {
  const [sku, nameZh, grams, yuan, category, type] = row.split('|');
  if (!sku || !nameZh || !grams || !yuan || !category || !type)
    throw new Error(`a shelf's row is malformed: ${row}`);
  return {
    sku,
    nameZh,
    extractKey: `${category}|${type}`,
    weightGrams: Number(grams),
    priceFen: Math.round(Number(yuan) * 100),
    shelf,
  };
}

export interface Catalogue {
  categories: SeedCategory[];
  /** Plain SKUs first: a bundle's components must exist before it. */
  skus: SeedSku[];
  bundles: SeedSku[];
}

/** The brand's whole range: about 350 plain SKUs in four zones and a handful of gift boxes. Same every time. */
export function buildCatalogue(): Catalogue {
  const kinds = readKinds();
  const skus = kinds.map((kind, index) => describeSku(kind, index));
  const bySku = new Map(skus.map((sku) => [sku.sku, sku]));
  const shelves = [...ambientShelves, ...coldShelves];
  const categories: SeedCategory[] = shelves.map((shelf) => ({
    category: shelf.category,
    nearExpiryDays: Math.max(1, Math.round(shelf.shelfLifeDays / 4)),
    minimumRemainingLifeDays: shelf.minimumRemainingLifeDays,
  }));
  categories.push({ category: flashCategory, holdMinutes: flashHoldMinutes });
  categories.push({ category: 'gift-boxes', presaleLeadDays: 15, nearExpiryDays: 2 });
  return { categories, skus, bundles: giftBoxes.map((box) => describeGiftBox(box, bySku)) };
}

function describeSku(kind: Kind, index: number): SeedSku {
  const { shelf } = kind;
  const hot = hotSkus.includes(kind.sku);
  const flash = hot || plentifulFlashSkus.includes(kind.sku);
  return {
    sku: kind.sku,
    name: `${qualifiers[(index * 5) % qualifiers.length]} ${kind.nameZh}`,
    zone: shelf.zone,
    ...(temperatures[shelf.zone] ? { temperature: temperatures[shelf.zone] } : {}),
    ...(shelf.handling ? { handling: shelf.handling } : {}),
    category: flash ? flashCategory : shelf.category,
    weightGrams: kind.weightGrams,
    volumeLitres: litres(kind.weightGrams, shelf.litresPerKg),
    priceFen: kind.priceFen,
    shelfLifeDays: shelf.shelfLifeDays,
    minimumRemainingLifeDays: shelf.minimumRemainingLifeDays,
    safetyStock: hot ? 6 : 2,
    ...(hot ? { purchaseLimit: hotPurchaseLimit } : {}),
  };
}

function litres(grams: number, litresPerKg: number): number {
  return Math.max(0.05, Math.round((grams * litresPerKg) / 10) / 100);
}

function describeGiftBox(box: GiftBox, bySku: Map<string, SeedSku>): SeedSku {
  const parts = box.components.map(({ sku, quantity }) => {
    const part = bySku.get(sku);
    if (!part) throw new Error(`gift box ${box.sku} names the unknown SKU ${sku}`);
    return { part, quantity };
  });
  const sum = (pick: (part: SeedSku) => number) =>
    parts.reduce((total, { part, quantity }) => total + pick(part) * quantity, 0);
  return {
    sku: box.sku,
    name: `鲜达 ${box.nameZh}`,
    zone: box.zone,
    category: 'gift-boxes',
    weightGrams: sum((part) => part.weightGrams),
    volumeLitres: Math.round(sum((part) => part.volumeLitres) * 100) / 100,
    priceFen: Math.round((sum((part) => part.priceFen) * giftBoxTenths) / 10),
    shelfLifeDays: Math.min(...parts.map(({ part }) => part.shelfLifeDays)),
    minimumRemainingLifeDays: Math.min(...parts.map(({ part }) => part.minimumRemainingLifeDays)),
    components: box.components,
  };
}
