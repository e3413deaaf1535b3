import type { Language } from '../../domain/tenant/model';

/** What a run of the aggregation says to people. */
export interface AggregationTexts {
  tick: string;
  find: string;
  sumUp(campaignId: string): string;
  asOf(instant: string, waiting: number): string;
  columns: string;
}

export const texts: Record<Language, AggregationTexts> = {
  zh: {
    tick: '等这一秒过完',
    find: '找出进行中和待交付的活动',
    sumUp: (campaignId) => `汇总 ${campaignId}`,
    asOf: (instant, waiting) => `截至 **${instant}**${waiting > 0 ? `，还有 ${waiting} 个活动` : ''}`,
    columns: '| 活动 | 已付 | 截止时预计 | 最迟采购 |',
  },
  en: {
    tick: 'until the scheduled second is over',
    find: 'which campaigns are open or await delivery',
    sumUp: (campaignId) => `sum up ${campaignId}`,
    asOf: (instant, waiting) => `As of **${instant}**${waiting > 0 ? `, ${waiting} campaigns to go` : ''}`,
    columns: '| campaign | paid | at the close | buy by |',
  },
};
