import { randomUUID } from 'node:crypto';
import { Pool, type PoolClient } from 'pg';
import { readCarriers, readCommunities, readSites, readSkus } from '../../src/db/admission.read';
import { orderIdOf } from '../../src/db/order';
import type { PersonalData } from '../../src/db/personalData';
import { createDatabase } from '../../src/db/transaction';
import { explode } from '../../src/domain/catalogue/explode';
import { chooseRules, holdMilliseconds } from '../../src/domain/catalogue/rules';
import { localDateOf } from '../../src/domain/network/calendar';
import type { Carrier, Community, Site } from '../../src/domain/network/model';
import {
  type Admitted,
  type AdmissionSku,
  type AdmissionState,
  planAdmission,
} from '../../src/domain/order/admission';
import type { Destination, PlannedLine } from '../../src/domain/order/model';
import { orderTotal } from '../../src/domain/order/price';
import { canonicalJson } from '../../src/intake/canonical';
import type { Intake } from '../../src/intake/intake';
import type { AcceptedOrder, IntakeAnswer, IntakeRequest } from '../../src/intake/model';
import { lockPools, readStock, type StockRow, writeMovements, writeOrder } from './statements';

export interface NaiveOptions {
  url: string;
  personalData: PersonalData;
  paymentWindowSeconds: number;
  connections: number;
}

export interface NaiveIntake extends Pick<Intake, 'place'> {
  close(): Promise<void>;
}

/** What rarely changes, read once a tenant and then believed for ever: more than a real service could afford. */
interface Facts {
  timeZone: string;
  sites: Site[];
  carriers: Carrier[];
  communities: Community[];
  skus: Map<string, AdmissionSku>;
}

/**
 * What a team writes first, and writes well: one transaction for each order, in four round trips — begin, lock and
 * read; order, lines, holds, event, recipient and outbox in one statement; the journal, whose trigger moves the
 * balance; commit. Statements are prepared, what needs no answer is sent together, the decision is the product's own
 * planner. It takes orders of spot goods to a door of a named community, writes the rows the product writes, and
 * answers as the product does; a repeat, which no bench sends, it refuses instead of answering alike.
 */
export function createNaiveIntake({ url, connections, ...needs }: NaiveOptions): NaiveIntake {
  const options = '-c role=xianda_app';
  const pool = new Pool({ connectionString: url, max: connections, options, pipeline: true });
  const tenants = new Map<string, Promise<Facts>>();
  return {
    async place(tenant, request, actor) {
      let facts = tenants.get(tenant);
      if (facts === undefined) tenants.set(tenant, (facts = readFacts(url, tenant)));
      const placing = { ...needs, tenant, request, actor, facts: await facts };
      const client = await pool.connect();
      try {
        const answer = await placeOne(client, placing);
        client.release();
        return answer;
      } catch (error) {
        // whatever it was, this connection's transaction goes with it
        client.release(true);
        throw error;
      }
    },
    close: () => pool.end(),
  };
}

async function readFacts(url: string, tenant: string): Promise<Facts> {
  const db = createDatabase({ url, role: 'xianda_app', maxConnections: 1 });
  try {
    return await db.inTenant(tenant, async (tx) => {
      const own = await tx.query<{ timeZone: string }>('SELECT time_zone AS "timeZone" FROM tenant');
      const all = await tx.query<{ sku: string }>('SELECT sku FROM sku');
      const skus = all.rows.map(({ sku }) => sku);
      return {
        timeZone: own.rows[0]?.timeZone ?? '',
        sites: await readSites(tx),
        carriers: await readCarriers(tx),
        communities: [...(await readCommunities(tx)).values()],
        skus: await readSkus(tx, skus),
      };
    });
  } finally {
    await db.close();
  }
}

interface Placing extends Pick<NaiveOptions, 'personalData' | 'paymentWindowSeconds'> {
  tenant: string;
  request: IntakeRequest;
  actor: string;
  facts: Facts;
}

async function placeOne(client: PoolClient, placing: Placing): Promise<IntakeAnswer> {
  const { tenant, facts } = placing;
  const draft = draftOrder(placing);
  if ('kind' in draft) return draft;
  const goods = draft.lines.flatMap(({ components }) => components.map(({ sku }) => sku));
  const skus = [...new Set([...draft.lines.map(({ sku }) => sku), ...goods])].sort();
  // 1: begin, lock, read
  const [, , stock] = await Promise.all([
    begin(client, tenant),
    client.query({ ...lockPools, values: [tenant, skus] }),
    client.query<StockRow>({ ...readStock, values: [tenant, goods] }),
  ]);
  const now = (stock.rows[0]?.now ?? new Date(Number.NaN)).getTime();
  const payableUntil = now + draft.holdMs;
  const admission = planAdmission({ ...draft, payableUntil }, stateOf(facts, { now, rows: stock.rows }));
  if (admission.kind !== 'admitted') {
    await client.query('ROLLBACK');
    return admission;
  }
  const answer = acceptedOrder(draft, admission, payableUntil);
  // 2: the order and all that hangs on it
  const { rowCount } = await client.query({
    ...writeOrder,
    values: orderValues(placing, { draft, admission, answer, placedOn: localDateOf(now, facts.timeZone) }),
  });
  if (rowCount === 0) {
    await client.query('ROLLBACK');
    return { kind: 'conflict' };
  }
  // 3: the journal, which moves the balance
  await client.query({ ...writeMovements, values: movementValues(placing, draft.orderId, admission) });
  // 4
  await client.query('COMMIT');
  return { kind: 'accepted', answer };
}

function begin(client: PoolClient, tenant: string) {
  return client.query(`BEGIN; SET LOCAL xianda.tenant = ${client.escapeLiteral(tenant)}`);
}

interface Draft {
  orderId: string;
  lines: (PlannedLine & { unitPriceFen: number; discountFen: number })[];
  destination: Destination;
  totalFen: number;
  holdMs: number;
}

function draftOrder({ tenant, request, facts, paymentWindowSeconds }: Placing): Draft | IntakeAnswer {
  const { buyer } = request;
  const community = facts.communities.find(({ communityId }) => communityId === buyer.communityId);
  const others = [buyer.pickupPointId, request.window, request.payment, request.deliveryMethod];
  if (community === undefined || others.some((value) => value !== undefined))
    throw new Error('the naive intake delivers to doors of named communities alone');
  const unknown = request.lines.map(({ sku }) => sku).filter((sku) => !facts.skus.has(sku));
  if (unknown.length > 0) return { kind: 'unknownSku', skus: unknown };
  const skuOf = (id: string) => facts.skus.get(id) as AdmissionSku;
  const lines = request.lines.map((line, index) => ({
    lineId: line.lineId ?? String(index + 1),
    sku: line.sku,
    quantity: line.quantity,
    supply: 'spot' as const,
    campaignId: null,
    components: explode(skuOf(line.sku), line.quantity),
    unitPriceFen: line.unitPriceFen ?? skuOf(line.sku).priceFen,
    discountFen: line.discountFen ?? 0,
  }));
  const total = orderTotal(lines, request.freightFen ?? 0);
  if (total.kind !== 'total') throw new Error('the naive intake believes its callers’ sums');
  return {
    orderId: orderIdOf({ tenant, channel: request.channel, externalId: request.externalId }),
    lines,
    destination: {
      deliveryMethod: 'express',
      location: buyer.location ?? community.location,
      communityId: community.communityId,
      region: community.region,
      pickupPointId: null,
      window: null,
    },
    totalFen: total.totalFen,
    holdMs: holdMilliseconds(
      lines.map(({ sku }) => chooseRules(skuOf(sku), undefined)),
      paymentWindowSeconds,
    ),
  };
}

function stateOf(facts: Facts, { now, rows }: { now: number; rows: StockRow[] }): AdmissionState {
  return {
    now,
    timeZone: facts.timeZone,
    skus: facts.skus,
    sites: facts.sites,
    carriers: facts.carriers,
    pickupPoint: null,
    pointLoad: { ambient: 0, chilled: 0, frozen: 0 },
    lots: rows,
    campaigns: new Map(),
    bought: new Map(),
  };
}

function acceptedOrder(draft: Draft, { promise }: Admitted, payableUntil: number): AcceptedOrder {
  return {
    orderId: draft.orderId,
    state: 'awaitingPayment',
    expiresAt: new Date(payableUntil).toISOString(),
    totalFen: draft.totalFen,
    lines: draft.lines.map(({ lineId, sku, quantity, supply, unitPriceFen }) => ({
      lineId,
      sku,
      quantity,
      supply,
      unitPriceFen,
    })),
    promise: {
      shipBy: new Date(promise.shipBy).toISOString(),
      deliverBy: new Date(promise.deliverBy).toISOString(),
    },
  };
}

interface Decided {
  draft: Draft;
  admission: Admitted;
  answer: AcceptedOrder;
  placedOn: string;
}

function orderValues(
  { tenant, request, personalData }: Placing,
  { draft, admission, answer, placedOn }: Decided,
): unknown[] {
  const { destination, lines, orderId } = draft;
  const { buyer, notes } = request;
  const recipient = { name: buyer.name, phone: buyer.phone, address: buyer.address, notes };
  const { keyId, sealed } = personalData.seal({ tenant, orderId }, recipient);
  return [
    tenant,
    orderId,
    request.channel,
    request.externalId,
    personalData.digest(`order ${tenant}`, canonicalJson(request)),
    JSON.stringify(answer),
    buyer.ref,
    destination.communityId,
    destination.region,
    destination.location?.lat,
    destination.location?.lng,
    draft.totalFen,
    request.freightFen ?? 0,
    answer.promise.shipBy,
    answer.promise.deliverBy,
    answer.expiresAt,
    request.liveSessionId,
    placedOn,
    lines.map(({ lineId }) => lineId),
    lines.map(({ sku }) => sku),
    lines.map(({ quantity }) => quantity),
    lines.map(({ unitPriceFen }) => unitPriceFen),
    lines.map(({ discountFen }) => discountFen),
    lines.map(({ components }) => JSON.stringify(components)),
    keyId,
    sealed,
    buyer.phone === undefined ? null : personalData.digest(`phone ${tenant}`, buyer.phone),
    admission.holds.map(({ lineId }) => lineId),
    admission.holds.map(({ sku }) => sku),
    admission.holds.map(({ siteId }) => siteId),
    admission.holds.map(({ lotId }) => lotId),
    admission.holds.map(({ quantity }) => quantity),
    admission.holds.map(({ handOverOn }) => handOverOn),
  ];
}

function movementValues({ tenant, actor }: Placing, orderId: string, { holds }: Admitted): unknown[] {
  return [
    tenant,
    randomUUID(),
    orderId,
    actor,
    holds.map(({ sku }) => sku),
    holds.map(({ siteId }) => siteId),
    holds.map(({ lotId }) => lotId),
    holds.map(({ quantity }) => quantity),
  ];
}
