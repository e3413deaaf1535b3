import type { CoherenceReport } from './checkCoherence';

/** What each invariant promises, in the words of docs/invariants.md. */
export const invariantTitles: Record<number, string> = {
  0: 'the checker itself',
  1: 'balances add up and are never negative',
  2: 'the journal explains every balance, sealed within 5 s',
  3: 'nothing oversold, safety stock untouched',
  4: 'every hold ends once, in time',
  5: 'every paid unit is in one place, in its zone',
  6: 'every order is there once and whole',
  7: 'money: paid, refunded, never too much',
  8: 'late money is decided, one way',
  9: 'orders and shipments follow their graphs',
  10: 'partners did each thing once',
  11: 'a row belongs to its parent’s tenant',
  12: 'database and workflows agree',
  13: 'demand is summed before it is tested',
  14: 'enough life on the hand-over day',
  15: 'points hold the litres of their orders',
  16: 'events are placed, published and told once',
  17: 'forecasts are fresh, told and answered',
  18: 'who waits is served in turn, and nobody waits in vain',
};

/** The object behind `xianda doctor --json`. `coherent` is null when something could not be looked at. */
export function toJson(report: CoherenceReport) {
  const coherent = report.findings.length > 0 ? false : report.notLooked.length > 0 ? null : true;
  return { coherent, findings: report.findings, checks: report.checks, notLooked: report.notLooked };
}

/** The report as people read it: one line a check, then the findings. */
export function formatReport({ findings, checks, notLooked }: CoherenceReport): string {
  const lines = checks.map(({ invariant, rowsSeen }) => {
    const found = findings.filter((finding) => finding.invariant === invariant).length;
    const blind = notLooked.some((each) => each.invariant === invariant);
    const mark = found > 0 ? '✗' : blind ? '?' : '✓';
    const verdict = found > 0 ? `${found} found` : blind ? 'not looked' : 'coherent';
    const title = invariantTitles[invariant] ?? '';
    return `${mark} ${String(invariant).padStart(2)}  ${title.padEnd(54)} ${String(rowsSeen).padStart(9)} rows  ${verdict}`;
  });
  const found = findings.map(
    ({ invariant, tenant, subject, detail }) =>
      `  I${invariant} ${tenant} ${subject}: ${JSON.stringify(detail)}`,
  );
  const blind = notLooked.map(
    ({ invariant, reason }) => `  ${invariant > 0 ? `I${invariant} ` : ''}not looked: ${reason}`,
  );
  const verdict =
    findings.length > 0
      ? `${findings.length} findings`
      : notLooked.length > 0
        ? 'could not look everywhere'
        : 'coherent';
  return [...lines, ...found, ...blind, verdict, ''].join('\n');
}
