import type { Zone } from './seedModel';

/**
 * One shelf of the demo brand: a category with its zone, life and packing, and one row per kind of product that real
 * households buy (the kinds of the extract in `src/dev/demo/data`), in the words of a Chinese shop. Weights and prices
 * are invented but plausible; nothing is a real brand's.
 */
export interface Shelf {
  category: string;
  nameZh: string;
  zone: Zone;
  shelfLifeDays: number;
  minimumRemainingLifeDays: number;
  /** Litres one kilogram takes with its packing. */
  litresPerKg: number;
  handling?: Array<'live' | 'shortLife'>;
  /** `slug | Chinese name | grams | yuan | category of the extract | type of the extract` */
  rows: string;
}
