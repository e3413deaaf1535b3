import type { Zone } from '../catalogue/model';
import type { SellableTurn, ShowFacts, SoldGoods } from './showFacts';

export interface SoldOutGoods {
  sku: string;
  name: string;
  zone: Zone;
  taken: number;
  kept: number;
  /** Stretches without a sellable unit within the sales; `until` null: not back by their end. */
  gaps: { from: string; until: string | null }[];
  /** Seconds without a sellable unit, until the end of the sales. */
  seconds: number;
}

export interface HotGoods {
  sku: string;
  name: string;
  zone: Zone;
  taken: number;
  before: number;
  /** Sellable units at the end of each bucket. */
  sellable: number[];
}

const mostHot = 8;
const fewHot = 4;

/**
 * The SKUs whose curve is drawn: those that sold out, the most asked for first, eight at most; where fewer than four
 * did, the most asked for of the others join them. A SKU that nobody of the session took is never hot.
 */
export function chooseHotSkus(goods: readonly SoldGoods[], turns: readonly SellableTurn[]): string[] {
  const soldOut = new Set(turns.filter(({ sellable }) => sellable <= 0).map(({ sku }) => sku));
  const sorted = goods
    .filter(({ taken }) => taken > 0)
    .sort(
      (a, b) =>
        Number(soldOut.has(b.sku)) - Number(soldOut.has(a.sku)) ||
        b.taken - a.taken ||
        (a.sku < b.sku ? -1 : 1),
    )
    .map(({ sku }) => sku);
  const gone = sorted.filter((sku) => soldOut.has(sku));
  return gone.length >= fewHot ? gone.slice(0, mostHot) : sorted.slice(0, fewHot);
}

/** Curves of the hot SKUs: between two changes the number stands. */
export function drawHotGoods({ goods, turns, hot, window }: ShowFacts): HotGoods[] {
  const bySku = new Map(goods.map((item) => [item.sku, item]));
  return chooseHotSkus(goods, turns).flatMap((sku) => {
    const of = bySku.get(sku);
    const points = new Map(hot.filter((point) => point.sku === sku).map((point) => [point.bucket, point]));
    if (!of || points.size === 0) return [];
    const before = Math.max(0, points.get(-1)?.sellable ?? 0);
    let units = before;
    const sellable = Array.from({ length: window.buckets }, (_, bucket) => {
      units = Math.max(0, points.get(bucket)?.sellable ?? units);
      return units;
    });
    return [{ sku, name: of.name, zone: of.zone, taken: of.taken, before, sellable }];
  });
}

/** What sold out when, in the order it happened, and whether it came back. */
export function describeSoldOut({ goods, turns, window }: ShowFacts): SoldOutGoods[] {
  return goods
    .flatMap((item) => {
      const gaps = gapsOf(turns.filter(({ sku }) => sku === item.sku));
      if (gaps.length === 0) return [];
      const { sku, name, zone, taken, kept } = item;
      return [{ sku, name, zone, taken, kept, gaps, seconds: secondsOf(gaps, window.salesEnd) }];
    })
    .sort((a, b) => compareText(startOf(a), startOf(b)) || compareText(a.sku, b.sku));
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function startOf({ gaps }: SoldOutGoods): string {
  return gaps[0]?.from ?? '';
}

function gapsOf(turns: readonly SellableTurn[]): SoldOutGoods['gaps'] {
  const gaps: SoldOutGoods['gaps'] = [];
  for (const { at, sellable } of turns) {
    const last = gaps.at(-1);
    if (sellable <= 0) gaps.push({ from: at, until: null });
    else if (last && last.until === null) last.until = at;
  }
  return gaps;
}

function secondsOf(gaps: SoldOutGoods['gaps'], salesEnd: string): number {
  const end = Date.parse(salesEnd);
  const milliseconds = gaps.reduce(
    (total, { from, until }) =>
      total + Math.max(0, Math.min(until === null ? end : Date.parse(until), end) - Date.parse(from)),
    0,
  );
  return Math.round(milliseconds / 100) / 10;
}
