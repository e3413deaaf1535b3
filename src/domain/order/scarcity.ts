import { sumBySku } from '../catalogue/explode';
import { holdMilliseconds, shortenHold } from '../catalogue/rules';
import { isUsable, poolSellable, siteSellable } from '../inventory/availability';
import { localDateOf } from '../network/calendar';
import type { AdmissionSku, AdmissionState } from './admission';
import type { PlannedLine } from './model';

/**
 * How long an order would hold its goods: as the rules of its lines say, and shorter once a SKU of its spot lines is
 * scarce. Milliseconds.
 */
export function chooseHold(
  lines: Pick<PlannedLine, 'sku' | 'quantity' | 'supply'>[],
  { state, paymentWindowSeconds }: { state: AdmissionState; paymentWindowSeconds: number },
): number {
  const rulesOf = (sku: string) => state.skus.get(sku) as AdmissionSku;
  const usualMs = holdMilliseconds(
    lines.map((line) => rulesOf(line.sku)),
    paymentWindowSeconds,
  );
  if (lines.every((line) => rulesOf(line.sku).scarceHoldMinutes === undefined)) return usualMs;
  const ruled = sumBySku(lines.filter((line) => line.supply === 'spot')).filter(
    ({ sku }) => rulesOf(sku).scarceHoldMinutes !== undefined,
  );
  return shortenHold(
    usualMs,
    ruled.map(({ sku, quantity }) => ({ rules: rulesOf(sku), left: unitsToSell(sku, state) - quantity })),
  );
}

/**
 * Units of a SKU that can be sold today, wherever they are to go: of a bundle what its scarcest part allows. The
 * measure of scarcity, so that it does not depend on where this one buyer lives.
 */
export function unitsToSell(sku: string, state: AdmissionState): number {
  const known = state.skus.get(sku);
  if (!known) return 0;
  if (known.components.length > 0) {
    return Math.min(
      ...known.components.map((part) => Math.floor(unitsToSell(part.sku, state) / part.quantity)),
    );
  }
  const today = localDateOf(state.now, state.timeZone);
  const usable = state.lots.filter((lot) => lot.sku === sku && isUsable(lot, today, known.minimumLifeDays));
  return poolSellable(
    state.sites.map(({ siteId, safetyStock }) =>
      siteSellable(
        usable.filter((lot) => lot.siteId === siteId),
        safetyStock,
      ),
    ),
    known.safetyStock,
  );
}
