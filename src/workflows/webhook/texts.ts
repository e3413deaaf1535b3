import type { DeliveryRound } from '../../activities/webhook';
import type { Language, Reader } from '../../domain/tenant/model';
import { type Notice, wordingFor } from '../order/texts';

interface Subject {
  endpointId: string;
  pending: number;
}

/** All that an endpoint's workflow says to people, in one language. */
interface WebhookTexts {
  start(endpointId: string): string;
  /** One line each, on the activity and the timer. */
  steps: { deliver: string; untilNext: string };
  /** What there was to tell in the last round, when not all of it arrived. */
  refused(round: { delivered: number; failed: number }): string;
  standings: Record<DeliveryRound['standing'], (subject: Subject) => Notice>;
}

const secretsPath = (endpointId: string) =>
  endpointId.startsWith('supplier:')
    ? `POST /v1/suppliers/${endpointId.replace('supplier:', '')}/webhook-secrets`
    : `POST /v1/webhook-endpoints/${endpointId}/secrets`;
const logPath = (endpointId: string) => `GET /v1/webhook-endpoints/${endpointId}/deliveries`;
const attentionPath = 'GET /v1/attention?reason=webhookDisabled';

const texts: Record<Language, WebhookTexts> = {
  en: {
    start: (endpointId) => `webhook ${endpointId}`,
    steps: { deliver: 'deliver what is due', untilNext: 'until the next attempt, or news' },
    refused: ({ delivered, failed }) => `last round: ${failed} not taken, ${delivered} delivered`,
    standings: {
      working: ({ endpointId, pending }) => ({
        title: `Webhook ${endpointId}: working`,
        waitsFor: pending === 0 ? 'news' : `${pending} to be delivered`,
        next: pending === 0 ? 'ends here; the next event starts it again' : 'the next attempt',
      }),
      failing: ({ endpointId, pending }) => ({
        title: `Webhook ${endpointId}: failing`,
        waitsFor: `its receiver; ${pending} to be delivered`,
        next: 'each is tried again, ten times over three days; new events go out at once',
        toDo: `nothing yet; why it fails: \`${logPath(endpointId)}\``,
      }),
      down: ({ endpointId, pending }) => ({
        title: `Webhook ${endpointId}: down`,
        waitsFor: `its receiver; ${pending} to be delivered`,
        next: 'one at a time feels whether it is back, then the rest follows; five days of failures disable it',
        toDo: `tell its owner; why it fails: \`${logPath(endpointId)}\``,
      }),
      disabled: ({ endpointId, pending }) => ({
        title: `Webhook ${endpointId}: disabled`,
        waitsFor: `operations; ${pending} to be delivered`,
        next: 'nothing is sent, events go on waiting',
        toDo: `call its owner, find it under \`${attentionPath}\`, and answer: \`enable\` sends what waits; \`dismiss\` leaves it off`,
      }),
      awaitingSecret: ({ endpointId, pending }) => ({
        title: `Webhook ${endpointId}: no secret`,
        waitsFor: `its first secret; ${pending} to be delivered`,
        next: 'sent at once when there is one; nothing leaves unsigned',
        toDo: `have its owner make one: \`${secretsPath(endpointId)}\``,
      }),
      removed: ({ endpointId }) => ({
        title: `Webhook ${endpointId}: removed`,
        waitsFor: 'nothing',
        next: 'nothing more is sent',
      }),
    },
  },
  zh: {
    start: (endpointId) => `推送 ${endpointId}`,
    steps: { deliver: '发送到期的推送', untilNext: '等下次重试，或新事件' },
    refused: ({ delivered, failed }) => `上一轮 ${failed} 条未被接收，${delivered} 条送达`,
    standings: {
      working: ({ endpointId, pending }) => ({
        title: `推送 ${endpointId}：正常`,
        waitsFor: pending === 0 ? '新事件' : `${pending} 条待推送`,
        next: pending === 0 ? '到此结束，有新事件时再启动' : '继续发送',
      }),
      failing: ({ endpointId, pending }) => ({
        title: `推送 ${endpointId}：接收失败`,
        waitsFor: `接收方恢复；${pending} 条待推送`,
        next: '每条三天内共试十次；新事件照常立即发送',
        toDo: `暂不用处理；失败原因见 \`${logPath(endpointId)}\``,
      }),
      down: ({ endpointId, pending }) => ({
        title: `推送 ${endpointId}：接收方不可用`,
        waitsFor: `接收方恢复；${pending} 条待推送`,
        next: '每次只试一条，恢复后补发其余；连续失败五天则停用',
        toDo: `通知接收方；失败原因见 \`${logPath(endpointId)}\``,
      }),
      disabled: ({ endpointId, pending }) => ({
        title: `推送 ${endpointId}：已停`,
        waitsFor: `运营处理；${pending} 条待推送`,
        next: '不再发送，事件继续留存',
        toDo: `联系接收方，在 \`${attentionPath}\` 找到它并答复：\`enable\` 恢复并补发、\`dismiss\` 保持停用`,
      }),
      awaitingSecret: ({ endpointId, pending }) => ({
        title: `推送 ${endpointId}：没有密钥`,
        waitsFor: `第一个密钥；${pending} 条待推送`,
        next: '有密钥后立即发送；未签名的一律不发',
        toDo: `请接收方生成：\`${secretsPath(endpointId)}\``,
      }),
      removed: ({ endpointId }) => ({
        title: `推送 ${endpointId}：已删除`,
        waitsFor: '无',
        next: '不再发送',
      }),
    },
  },
};

interface WebhookWording extends Pick<WebhookTexts, 'start' | 'steps'> {
  /** Markdown for the workflow's page: how the endpoint stands after a round. */
  describe(endpointId: string, round: DeliveryRound): string;
}

/** Binds the texts to the reader's language and clock; workflows from before there was a reader speak English. */
export function webhookWordingFor(reader?: Reader): WebhookWording {
  const { start, steps, standings, refused } = texts[reader?.language ?? 'en'];
  const { render } = wordingFor(reader);
  return {
    start,
    steps,
    describe(endpointId, { standing, since, nextAt, ...round }) {
      return render(standings[standing]({ endpointId, pending: round.pending }), {
        since: since ?? undefined,
        until: nextAt ?? undefined,
        problem: round.failed > 0 ? refused(round) : undefined,
      });
    },
  };
}
