import type { PublishedForecast } from '../../activities/forecast';
import type { Language } from '../../domain/tenant/model';

/** What the forecast's workflow says to people. Ids stand in backticks. */
export interface ForecastWording {
  make: string;
  publish(supplierId: string): string;
  asOf(scheduledAt: string, waiting: number): string;
  sent(published: PublishedForecast): string;
  superseded: string;
  failed: string;
  notServed(supplierIds: string[]): string;
}

const words: Record<Language, ForecastWording> = {
  zh: {
    make: '预测未来十四天',
    publish: (supplierId) => `发给供应商 ${supplierId}`,
    asOf: (at, waiting) => `截至 **${at}** 的预测${waiting > 0 ? `，还有 ${waiting} 家供应商` : ''}`,
    sent: ({ forecastId, lines, cutSkus }) =>
      `\`${forecastId}\`，${lines} 行${cutSkus > 0 ? `；⚠️ ${cutSkus} 个商品的供应不足以兑现预售，见待办 supplyCut` : ''}`,
    superseded: '已有更新的预测，不再发送',
    failed: '未能发送，明日再试；原因见失败的步骤',
    notServed: (ids) => `未能发送：${ids.join('、')}`,
  },
  en: {
    make: 'look a fortnight ahead',
    publish: (supplierId) => `publish to supplier ${supplierId}`,
    asOf: (at, waiting) => `Forecast as of **${at}**${waiting > 0 ? `, ${waiting} suppliers to go` : ''}`,
    sent: ({ forecastId, lines, cutSkus }) =>
      `\`${forecastId}\`, ${lines} lines${cutSkus > 0 ? `; ⚠️ ${cutSkus} SKUs are short of what presale has promised, see attention supplyCut` : ''}`,
    superseded: 'a newer forecast has taken its place, nothing sent',
    failed: 'could not be served, tried again tomorrow; the failed step says why',
    notServed: (ids) => `not served: ${ids.join(', ')}`,
  },
};

export function wordingOf(language: Language): ForecastWording {
  return words[language];
}
