import type { ScheduleOptions, ScheduleSpec } from '@temporalio/client';
import type { ScheduleKindName } from '../domain/schedule/model';
import type { Language } from '../domain/tenant/model';
import { supplierForecastWorkflowType } from '../workflows/forecast/messages';
import { presaleAggregationWorkflowType } from '../workflows/presale/messages';

export interface ScheduledTenant {
  tenant: string;
  timeZone: string;
  language: Language;
}

/** What an ops person reads in the Web UI. */
export interface ScheduleTexts {
  /** What it does and when: the schedule's note, and each run's details. */
  purpose: string;
  /** Of each run; the tenant's name follows. */
  summary: string;
}

/** One thing that runs by the clock for every tenant. Its workflow is started with `{ tenant, language }`. */
export interface ScheduleKind {
  workflowType: string;
  texts: Record<Language, ScheduleTexts>;
  spec(tenant: ScheduledTenant): ScheduleSpec;
  /** Both explicit, and the reason beside them: the server's defaults skip ticks and replay a year. */
  policies: Required<Pick<NonNullable<ScheduleOptions['policies']>, 'overlap' | 'catchupWindow'>>;
}

/** Every kind under its name; the compiler asks for each. */
export const scheduleKinds: Record<ScheduleKindName, ScheduleKind> = {
  'presale-aggregation': {
    workflowType: presaleAggregationWorkflowType,
    texts: {
      zh: {
        purpose: '每小时整点：各预售活动各区域已售多少、到截止预计多少、该采购多少、最迟哪天采购。',
        summary: '预售汇总',
      },
      en: {
        purpose:
          'Every hour, on the hour: what each presale campaign has sold by region, what it will have sold when it closes, and what to buy for it by when.',
        summary: 'presale aggregation',
      },
    },
    // two minutes of jitter spread the tenants; what a run counts is as of the full hour all the same
    spec: () => ({ intervals: [{ every: '1 hour' }], jitter: '2 minutes' }),
    policies: {
      // every hour is a point of the fill-up curve: hours that passed while a run was held up follow it one by one,
      // rather than side by side on the day the workers come back
      overlap: 'BUFFER_ALL',
      // an older plan helps nobody to buy
      catchupWindow: '1 day',
    },
  },
  'supplier-forecast': {
    workflowType: supplierForecastWorkflowType,
    texts: {
      zh: {
        purpose:
          '每天清晨五点半（租户当地时间）：统计前几日的需求，预测未来十四天，发给每家供应商，并核对供应能否兑现预售。',
        summary: '供应商预测',
      },
      en: {
        purpose:
          'Every day at half past five by the tenant’s clock: count the demand of the days before, look a fortnight ahead, send each supplier its part, and hold supply against what presale has promised.',
        summary: 'supplier forecast',
      },
    },
    // jitter spreads the tenants; the run stands for half past five all the same
    spec: ({ timeZone }) => ({
      calendars: [{ hour: 5, minute: 30 }],
      timezone: timeZone,
      jitter: '10 minutes',
    }),
    policies: {
      // only the newest forecast is of use: while one is held up, one more waits
      overlap: 'BUFFER_ONE',
      // what was missed within the day is made up for; yesterday's forecast helps nobody
      catchupWindow: '1 day',
    },
  },
};
