/** The four temperature zones (温层). Goods of two zones never share a parcel. */
export const zones = ['ambient', 'chilled', 'frozen', 'special'] as const;
export type Zone = (typeof zones)[number];

/** Rules a category sets for its SKUs; a SKU's own value wins. */
export interface CategoryRule {
  holdMinutes?: number;
  nearExpiryDays?: number;
  presaleLeadDays?: number;
  purchaseLimit?: number;
  minimumRemainingLifeDays?: number;
  /** Units that one buyer may hold without having paid. */
  unpaidLimit?: number;
  /** How long goods are held once they are scarce; never longer than otherwise. */
  scarceHoldMinutes?: number;
  /** Scarce: no more than so many units are left to sell after the order; 0 without it. */
  scarceUnits?: number;
}

/** What deciding about stock and routes needs to know of a SKU. */
export interface Sku extends CategoryRule {
  sku: string;
  zone: Zone;
  category: string;
  weightGrams: number;
  volumeMillilitres: number;
  priceFen: number;
  shelfLifeDays: number;
  safetyStock: number;
  /** Parts of a bundle (礼盒); empty for a plain SKU. */
  components: SkuQuantity[];
}

export interface SkuQuantity {
  sku: string;
  quantity: number;
}
