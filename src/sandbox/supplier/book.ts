import type { Account, AnswerLine, AnswerPolicy, ForecastPublished } from './wire';

/** A forecast that is to be answered; written down before its webhook is. */
export interface PendingAnswer {
  accountId: string;
  forecastId: string;
  policy: AnswerPolicy;
  /** Epoch milliseconds. */
  dueAt: number;
  lines: AnswerLine[];
}

/** One webhook as it came. */
export interface Receipt {
  accountId: string;
  webhookId: string;
  /** Epoch milliseconds. */
  receivedAt: number;
  type: string;
  verified: boolean;
  /** Why it was refused. */
  reason?: string;
  /** The same id was taken before: nothing is done again. */
  repeat: boolean;
  forecastIds: string[];
}

/** What one answer came to: the API's status, or null when it gave none at all. */
export interface Answered {
  accountId: string;
  forecastId: string;
  policy: AnswerPolicy;
  at: number;
  status: number | null;
  lines: number;
  /** No further attempt is made. */
  ended: boolean;
}

/** The lines of the supplier sandbox's journal. */
export type SupplierRecord =
  | { kind: 'account'; accountId: string; account: Account }
  | { kind: 'received'; receipt: Receipt; pending: PendingAnswer[] }
  | { kind: 'answered'; answered: Answered };

/** The supplier sandbox's books in memory; replaying the journal gives the same books. */
export class SupplierBook {
  private readonly accounts = new Map<string, Account>();
  private readonly taken = new Set<string>();
  private readonly pending = new Map<string, PendingAnswer>();
  private readonly receipts: Receipt[] = [];
  private readonly answers: Answered[] = [];

  apply(record: SupplierRecord): void {
    switch (record.kind) {
      case 'account':
        this.accounts.set(record.accountId, record.account);
        return;
      case 'received':
        this.receipts.push(record.receipt);
        if (record.receipt.verified) this.taken.add(takenKey(record.receipt));
        for (const each of record.pending) this.pending.set(pendingKey(each), each);
        return;
      case 'answered':
        this.answers.push(record.answered);
        if (record.answered.ended) this.pending.delete(pendingKey(record.answered));
        return;
      default:
        throw new Error('a record of another version');
    }
  }

  account(accountId: string): Account | undefined {
    return this.accounts.get(accountId);
  }

  wasTaken(webhook: { accountId: string; webhookId: string }): boolean {
    return this.taken.has(takenKey(webhook));
  }

  pendingAnswers(): PendingAnswer[] {
    return [...this.pending.values()];
  }

  /** Everything that came, oldest first, each with the answers that were given to its forecasts. */
  received(): (Receipt & { answers: Answered[] })[] {
    return this.receipts.map((receipt) => ({
      ...receipt,
      answers: this.answers.filter(
        (each) => each.accountId === receipt.accountId && receipt.forecastIds.includes(each.forecastId),
      ),
    }));
  }
}

function takenKey({ accountId, webhookId }: { accountId: string; webhookId: string }): string {
  return `${accountId} ${webhookId}`;
}

function pendingKey({ accountId, forecastId }: { accountId: string; forecastId: string }): string {
  return `${accountId} ${forecastId}`;
}

/** The supplier's word on each SKU and day: what was asked over all regions, less what it cuts. */
export function decideLines(
  forecast: ForecastPublished['data'],
  { policy, cutPercent }: { policy: AnswerPolicy; cutPercent: number },
): AnswerLine[] {
  const asked = new Map<string, AnswerLine>();
  for (const { sku, date, p50 } of forecast.lines) {
    const key = `${sku} ${date}`;
    const line = asked.get(key) ?? { sku, date, confirmed: 0 };
    asked.set(key, { ...line, confirmed: line.confirmed + p50 });
  }
  const share = policy === 'cut' ? 1 - cutPercent / 100 : 1;
  return [...asked.values()].map((line) => ({ ...line, confirmed: Math.floor(line.confirmed * share) }));
}
