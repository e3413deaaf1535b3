import type { IntakeAnswer } from '../../intake/model';
import { invalid, Problem, type ProblemSlug, refuseField } from '../http/problem';
import { created, ok, type Reply } from '../http/route';

export const intakeRefusals: readonly ProblemSlug[] = [
  'idempotency-conflict',
  'sold-out',
  'quota-exhausted',
  'unpaid-limit',
  'transaction-used',
  'unknown-sku',
  'unknown-reference',
  'purchase-limit',
  'no-route',
  'past-cutoff',
  'unknown-region',
];

/** What the intake decided, in the contract's statuses and slugs. */
export function answerIntake(answer: IntakeAnswer): Reply {
  switch (answer.kind) {
    case 'accepted':
      return created(answer.answer);
    case 'repeated':
      return ok(answer.answer);
    case 'conflict':
      throw new Problem('idempotency-conflict', {
        detail: 'This externalId was accepted with another body.',
      });
    case 'soldOut':
      throw new Problem('sold-out', { shortfall: answer.shortfall });
    case 'quotaExhausted':
      throw new Problem('quota-exhausted', { shortfall: answer.shortfall });
    case 'transactionUsed':
      throw new Problem('transaction-used', { transactionId: answer.transactionId });
    case 'unknownSku':
      throw new Problem('unknown-sku', { detail: `Unknown: ${answer.skus.join(', ')}.`, skus: answer.skus });
    case 'unknownReference':
      return refuseField('unknown-reference', {
        path: answer.path,
        expected: 'something that exists',
        received: answer.id,
      });
    case 'invalid':
      throw invalid([{ path: answer.path, expected: answer.expected, received: answer.received }]);
    case 'purchaseLimit': {
      const { sku, limit, bought, asked } = answer;
      throw new Problem('purchase-limit', {
        detail: `At most ${limit} of ${sku} per buyer.`,
        sku,
        limit,
        bought,
        asked,
      });
    }
    case 'unpaidLimit': {
      const { sku, limit, unpaid, asked } = answer;
      throw new Problem('unpaid-limit', {
        detail: `A buyer may hold at most ${limit} of ${sku} unpaid.`,
        sku,
        limit,
        unpaid,
        asked,
      });
    }
    case 'noRoute':
      throw new Problem('no-route', { zone: answer.zone, because: answer.because });
    case 'pastCutoff':
      throw new Problem('past-cutoff', { zone: answer.zone });
    case 'unknownRegion':
      throw new Problem('unknown-region', { lineId: answer.lineId });
  }
}
