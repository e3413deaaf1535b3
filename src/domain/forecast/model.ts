import type { LocalDate } from '../network/model';

/** How far ahead a forecast looks. */
export const horizonDays = 14;

/** What a finished day tells of demand: units ordered, which on a stockout day are only a lower bound. */
export interface DemandDay {
  units: number;
  stockout: boolean;
  /** Of a stockout day: which share of its selling hours had no goods, above 0 to 1; null when nobody knows. */
  missedShare: number | null;
}

/** One SKU's demand in one region. */
export interface DemandSeries {
  sku: string;
  region: string;
  category: string;
  /** Consecutive days, oldest first; the last one is the day before the forecast's first. Null: not known. */
  days: readonly (DemandDay | null)[];
}

/** What a forecast stands on: the series' own days, others of its category, or nothing at all. */
export const forecastBases = ['history', 'pooled', 'none'] as const;
export type ForecastBasis = (typeof forecastBases)[number];

/** Units that demand stays below with a chance of 10, 50 and 90 %. */
export interface DayForecast {
  date: LocalDate;
  p10: number;
  p50: number;
  p90: number;
}

export interface SeriesForecast {
  sku: string;
  region: string;
  basis: ForecastBasis;
  days: DayForecast[];
}

export interface ForecastRequest {
  /** The first day ahead. */
  firstDay: LocalDate;
  horizonDays: number;
  series: readonly DemandSeries[];
}

/** A way to look ahead; pure, so that the same history always gives the same forecast. */
export interface ForecastMethod {
  /** Stored with every forecast it makes. */
  name: string;
  forecast(request: ForecastRequest): SeriesForecast[];
}
