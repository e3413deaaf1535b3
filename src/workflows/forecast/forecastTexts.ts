import type { PublishedForecast } from '../../activities/forecast';
import type { Language } from '../../domain/tenant/model';

/** What a run of the forecast says to people. Ids stand in backticks. */
export interface ForecastTexts {
  tick: string;
  count: string;
  make: string;
  publish(supplierId: string): string;
  asOf(instant: string, waiting: number): string;
  sent(published: PublishedForecast): string;
  superseded: string;
  failed: string;
  notServed(supplierIds: string[]): string;
}

export const texts: Record<Language, ForecastTexts> = {
  zh: {
    tick: '等这一秒过完',
    count: '统计此前各日的需求',
    make: '预测未来十四天',
    publish: (supplierId) => `发给供应商 ${supplierId}`,
    asOf: (instant, waiting) => `**${instant}** 的预测${waiting > 0 ? `，还有 ${waiting} 家供应商` : ''}`,
    sent: ({ forecastId, lines, cutSkus }) =>
      `\`${forecastId}\`，${lines} 行${cutSkus > 0 ? `；⚠️ ${cutSkus} 个商品的供应不足以兑现预售，见待办 supplyCut` : ''}`,
    superseded: '已有更新的预测，不再发送',
    failed: '⚠️ 未能发送，下次再试；原因见失败的步骤',
    notServed: (ids) => `未能发送：${ids.join('、')}`,
  },
  en: {
    tick: 'until the scheduled second is over',
    count: 'count what was asked for on the days before',
    make: 'look a fortnight ahead',
    publish: (supplierId) => `publish to supplier ${supplierId}`,
    asOf: (instant, waiting) =>
      `Forecast of **${instant}**${waiting > 0 ? `, ${waiting} suppliers to go` : ''}`,
    sent: ({ forecastId, lines, cutSkus }) =>
      `\`${forecastId}\`, ${lines} lines${cutSkus > 0 ? `; ⚠️ ${cutSkus} SKUs are short of what presale has promised, see attention supplyCut` : ''}`,
    superseded: 'a newer forecast has taken its place, nothing sent',
    failed: '⚠️ could not be served, tried again with the next run; the failed step says why',
    notServed: (ids) => `not served: ${ids.join(', ')}`,
  },
};
