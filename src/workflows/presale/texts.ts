import type { Language, Reader } from '../../domain/tenant/model';
import { type Notice, type Wording, wordingFor } from '../order/texts';
import type { ArrivalOutcome } from './messages';

interface Standing extends ArrivalOutcome {
  reserved: number;
  waiting: number;
}

/** All that an arrival's workflow says to people, in one language. */
interface ArrivalTexts {
  start(campaignId: string): string;
  handOut: { first: string; further: string };
  settle: string;
  working: Notice;
  /** Goods are in reserve; either somebody waits whom they do not serve, or nobody does yet. */
  waits(standing: Standing): Notice;
  ended(standing: Standing): string;
}

const texts: Record<Language, ArrivalTexts> = {
  en: {
    start: (campaignId) => `goods of presale campaign ${campaignId}`,
    handOut: { first: 'hand out, from the first promise on', further: 'hand out, further down the queue' },
    settle: 'what is left to the shelf, if everybody is served',
    working: {
      title: 'Handing out presale goods',
      waitsFor: 'every waiting order to be looked at, by promise',
      next: 'served orders are split and booked; those passed over are offered a later date or their money',
    },
    waits: ({ converted, offered, reserved, waiting }) => ({
      title: 'Presale goods in reserve',
      waitsFor: `orders for ${reserved} units in reserve; ${waiting} lines wait that they cannot serve (so far ${converted} served, ${offered} offered something else)`,
      next: 'handed out when goods, a payment or a cancel come; to the shelf once the campaign is over and nobody waits',
    }),
    ended: ({ converted, offered, unreserved, waiting }) =>
      `### Nothing left in reserve\n${converted} lines served, ${offered} offered something else, ${unreserved} units went to the shelf, ${waiting} lines wait for the next delivery.`,
  },
  zh: {
    start: (campaignId) => `预售 ${campaignId} 到货`,
    handOut: { first: '按承诺先后分货，从头开始', further: '按承诺先后分货，继续往后' },
    settle: '全部满足后，余货转现货',
    working: {
      title: '预售到货分配中',
      waitsFor: '按承诺先后逐单分配',
      next: '分到货的拆单订舱；没分到的给买家改期或退款两个选择',
    },
    waits: ({ converted, offered, reserved, waiting }) => ({
      title: '预售货品留存中',
      waitsFor: `留存的 ${reserved} 件等待订单；另有 ${waiting} 行待货但这些货不能满足（已分 ${converted} 行，已给选择 ${offered} 行）`,
      next: '有到货、付款或取消即再分配；活动结束且无人等待后转现货',
    }),
    ended: ({ converted, offered, unreserved, waiting }) =>
      `### 已无留存\n已分 ${converted} 行，已给选择 ${offered} 行，转现货 ${unreserved} 件，${waiting} 行等待下一次到货。`,
  },
};

/** Binds the texts to the reader's language and clock. */
export function arrivalWordingFor(reader: Reader): ArrivalTexts & Pick<Wording, 'at' | 'render' | 'steps'> {
  const { at, render, steps } = wordingFor(reader);
  return { ...texts[reader.language], at, render, steps };
}
