import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Batch, type Layout, type Limit, type Load, type Work, limitsOf } from './model';

/** What the benches measured: costs for the model, and rates to hold it against. */
export interface Measurements {
  /** Where and when; each entry says which bench it is from. */
  measuredOn: string;
  works: Readonly<Record<string, { cpuMs: Work; from: string }>>;
  /** Absent until `intake-process` was run. */
  batch?: Batch & { from: string };
  points: readonly Point[];
}

/** One rate that was really reached, and what the model must say of it. */
export interface Point {
  what: string;
  from: string;
  work: string;
  layout: Layout;
  beside?: readonly { work: string; perSecond: number }[];
  /** Whether a single hot SKU was sold, so that its lane counts. */
  oneSku?: boolean;
  perSecond: number;
  firstToSaturate: string;
  /** How far the model may be off, by what is known to be left out. */
  withinPercent: number;
}

export interface Comparison {
  point: Point;
  first: Limit;
  errorPercent: number;
  holds: boolean;
}

export const defaultFile = join(__dirname, 'measured.json');

export function readMeasurements(file: string = defaultFile): Measurements {
  return JSON.parse(readFileSync(file, 'utf8')) as Measurements;
}

export function comparePoints(measured: Measurements): Comparison[] {
  return measured.points.map((point) => {
    const work = cpuMsOf(measured, point.work);
    const beside: Load[] = (point.beside ?? []).map((load) => ({
      ...load,
      work: cpuMsOf(measured, load.work),
    }));
    const batch = point.oneSku === true ? measured.batch : undefined;
    const [first] = limitsOf(point.layout, { work, batch, beside });
    if (first === undefined) throw new Error(`nothing limits "${point.what}"`);
    const errorPercent = (first.perSecond / point.perSecond - 1) * 100;
    const holds = first.resource === point.firstToSaturate && Math.abs(errorPercent) <= point.withinPercent;
    return { point, first, errorPercent, holds };
  });
}

export function cpuMsOf({ works }: Measurements, name: string): Work {
  const work = works[name];
  if (work === undefined) throw new Error(`the measurements have no work called ${name}`);
  return work.cpuMs;
}
