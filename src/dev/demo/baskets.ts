import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readKinds } from '../seed/catalogue';

/** What one real household bought in one fortnight, as SKUs of the demo brand. */
export interface Basket {
  household: number;
  lines: Array<{ sku: string; quantity: number }>;
}

export interface BasketExtract {
  /** The brand's SKUs, most bought first. */
  skusByPopularity: string[];
  baskets: Basket[];
}

interface ExtractFile {
  kinds: Array<{ kind: string; purchases: number }>;
  baskets: number[][];
}

/** The compiler copies no data: the extract is read from the source tree, seen from `src/` and from `dist/` alike. */
const extractFile = join(__dirname, '../../../src/dev/demo/data/baskets.json.gz');

/** Reads the extract of real baskets (CC0, see the README beside it). */
export function loadBaskets(file: string = extractFile): BasketExtract {
  const extract = JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as ExtractFile;
  const skuOf = new Map(readKinds().map((kind) => [kind.extractKey, kind.sku]));
  const skus = extract.kinds.map(({ kind }) => skuOf.get(kind));
  return {
    skusByPopularity: skus.filter((sku) => sku !== undefined),
    baskets: extract.baskets.map((row) => readBasket(row, skus)),
  };
}

function readBasket([household, , ...pairs]: number[], skus: Array<string | undefined>): Basket {
  const lines: Basket['lines'] = [];
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const sku = skus[pairs[index] as number];
    if (sku !== undefined) lines.push({ sku, quantity: pairs[index + 1] as number });
  }
  return { household: household as number, lines };
}

/** SKUs as households ask for them: the most bought first, what nobody bought last. */
export function sortByPopularity<T extends { sku: string }>(skus: T[], skusByPopularity: string[]): T[] {
  const rank = new Map(skusByPopularity.map((sku, index) => [sku, index]));
  const rankOf = ({ sku }: T) => rank.get(sku) ?? skusByPopularity.length;
  return [...skus].sort((a, b) => rankOf(a) - rankOf(b));
}
