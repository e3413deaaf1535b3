import type { TenantTx } from '../../db/transaction';
import { type EndpointOwner, findEndpointOwner } from '../../db/webhook.read';
import type { Principal } from '../http/auth';
import { Problem } from '../http/problem';

export function noEndpoint(endpointId: string): Problem {
  return new Problem('not-found', { detail: `There is no webhook endpoint ${endpointId}.` });
}

/** Operations see all; a channel its own, and with an unbound key every channel's; a supplier its own. */
export function isOwn(principal: Principal, owner: EndpointOwner): boolean {
  if (principal.role === 'ops') return true;
  if (principal.role === 'supplier') return owner.supplierId === principal.supplierId;
  if (principal.role !== 'channel' || owner.channel === null) return false;
  return principal.channel === null || principal.channel === owner.channel;
}

/** 404 for what is not there, and for what belongs to somebody else. Removed endpoints keep their log. */
export async function expectOwn(
  tx: TenantTx,
  principal: Principal,
  { endpointId, orRemoved = false }: { endpointId: string; orRemoved?: boolean },
): Promise<void> {
  const owner = await findEndpointOwner(tx, endpointId);
  if (owner === null || (owner.removed && !orRemoved) || !isOwn(principal, owner)) {
    throw noEndpoint(endpointId);
  }
}
