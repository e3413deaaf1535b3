import type { AttentionReason } from '../../domain/order/attention';
import { orderWorkflowId, refundWorkflowId } from '../../workflows/order/messages';

/** Where operations find a workflow: its id, and its page where the Web UI's address is known. */
export interface WorkflowLink {
  workflowId: string;
  url?: string;
}

/** The Web UI and the namespace that its pages lie in. */
export interface WebUi {
  temporalUiUrl?: string;
  temporalNamespace?: string;
}

/** The order's present run; after late money its former runs stand in the list beside it. */
export function linkToOrder(
  webUi: WebUi,
  order: { tenant: string; orderId: string; run: number },
): WorkflowLink {
  return linkTo(webUi, orderWorkflowId(order));
}

/** The workflow that something in attention is about: the refund's, else its order's; none without an order. */
export function linkToParked(
  webUi: WebUi,
  parked: { tenant: string; reason: AttentionReason; subject: string; orderId?: string; run: number | null },
): WorkflowLink | undefined {
  const { tenant, reason, subject, orderId, run } = parked;
  if (reason === 'refundFailed') return linkTo(webUi, refundWorkflowId({ tenant, refundId: subject }));
  return orderId === undefined || run === null ? undefined : linkToOrder(webUi, { tenant, orderId, run });
}

/** Ids hold slashes and colons: in the page's path they are one part. */
function linkTo({ temporalUiUrl, temporalNamespace = 'default' }: WebUi, workflowId: string): WorkflowLink {
  if (temporalUiUrl === undefined) return { workflowId };
  const path = ['namespaces', temporalNamespace, 'workflows', workflowId].map(encodeURIComponent).join('/');
  return { workflowId, url: `${temporalUiUrl}/${path}` };
}
