import { writeAdmissions } from '../../../src/db/admission';
import { expireDueOrders } from '../../../src/db/expiry';
import { writeMovements } from '../../../src/db/inventory';
import { insertOrders, orderIdOf } from '../../../src/db/order';
import { insertOutbox } from '../../../src/db/outbox';
import type { TenantTx } from '../../../src/db/transaction';
import type { PlannedHold } from '../../../src/domain/order/model';
import type { TestDatabase } from '../../support/database';
import { dayFromToday } from '../../support/fixtures';
import type { World } from './world';

/** Broken twins of the product's db functions. Each leaves out the one thing its name tells. */

let placed = 0;

interface Cart {
  lines: { lineId: string; sku: string; quantity: number }[];
  holds: PlannedHold[];
}

/** Writes an order and its holds with no decision at all: what the broken intakes below have decided. */
async function writeUnchecked(tx: TenantTx, cart: Cart): Promise<void> {
  placed += 1;
  const externalId = `broken-${placed}`;
  const orderId = orderIdOf({ tenant: tx.tenant, channel: 'shop', externalId });
  const expiresAt = new Date(Date.now() + 1_800_000);
  const by = new Date(Date.now() + 86_400_000);
  const lines = cart.lines.map((line) => ({
    ...line,
    unitPriceFen: 10,
    discountFen: 0,
    supply: 'spot' as const,
    campaignId: null,
    components: [{ sku: line.sku, quantity: line.quantity }],
  }));
  await insertOrders(tx, [
    {
      orderId,
      channel: 'shop',
      externalId,
      bodyDigest: Buffer.alloc(32),
      answer: { orderId },
      state: 'awaitingPayment',
      buyerRef: externalId,
      communityId: null,
      pickupPointId: null,
      region: null,
      location: null,
      deliveryMethod: 'express',
      window: null,
      totalFen: lines.reduce((sum, line) => sum + 10 * line.quantity, 0),
      freightFen: 0,
      paidFen: 0,
      shipBy: by,
      deliverBy: by,
      expiresAt,
      liveSessionId: null,
      placedOn: dayFromToday(0),
      lines,
    },
  ]);
  const promise = { shipBy: by.getTime(), deliverBy: by.getTime() };
  const admitted = { kind: 'admitted' as const, holds: cart.holds, quotaHolds: [], capacity: [], promise };
  await writeAdmissions(tx, [{ orderId, run: 1, admitted, expiresAt, pickupPointId: null, actor: 'broken' }]);
  await insertOutbox(tx, [{ kind: 'startOrder', subject: orderId, payload: { run: 1 } }]);
}

/** Reads what is free, and acts on it later: every buyer sees the same last units. */
export async function holdWithoutLock(
  database: TestDatabase,
  { tenant }: World,
  { sku, lotId, buyers, units = 1 }: { sku: string; lotId: string; buyers: number; units?: number },
): Promise<void> {
  const db = database.as('xianda_app');
  let waiting = buyers;
  let everybodyHasRead = () => undefined as void;
  const allRead = new Promise<void>((resolve) => {
    everybodyHasRead = resolve;
  });
  const buy = () =>
    db.inTenant(tenant, async (tx) => {
      const { rows } = await tx.query<{ free: number }>(
        'SELECT on_hand - held - committed AS free FROM stock_balance WHERE tenant = $1 AND sku = $2 AND lot_id = $3',
        [tenant, sku, lotId],
      );
      waiting -= 1;
      if (waiting === 0) everybodyHasRead();
      await allRead;
      if ((rows[0]?.free ?? 0) < units) return;
      const hold = {
        lineId: '1',
        sku,
        siteId: 'central',
        lotId,
        quantity: units,
        handOverOn: dayFromToday(1),
      };
      await writeUnchecked(tx, { lines: [{ lineId: '1', sku, quantity: units }], holds: [hold] });
    });
  await Promise.all(Array.from({ length: buyers }, buy));
}

/** Demand not summed: the second line of the same SKU is answered with the first line's goods. */
export async function testLinesOneByOne(database: TestDatabase, { tenant }: World): Promise<void> {
  await database.as('xianda_app').inTenant(tenant, async (tx) => {
    const hold = {
      lineId: '1',
      sku: 'apple',
      siteId: 'central',
      lotId: 'lot-30d',
      quantity: 2,
      handOverOn: dayFromToday(1),
    };
    const lines = ['1', '2'].map((lineId) => ({ lineId, sku: 'apple', quantity: 2 }));
    await writeUnchecked(tx, { lines, holds: [hold] });
  });
}

/** Gives the units back without asking whether the hold still stands. */
export async function releaseTwice(database: TestDatabase, { tenant, unpaidId }: World): Promise<void> {
  // another order's units keep the balance above zero, so that no constraint notices
  await holdWithoutLock(database, { tenant } as World, {
    sku: 'apple',
    lotId: 'lot-30d',
    buyers: 1,
    units: 5,
  });
  await database.as('xianda_app').inTenant(tenant, async (tx) => {
    const { rows } = await tx.query<{ sku: string; site_id: string; lot_id: string; quantity: number }>(
      'SELECT sku, site_id, lot_id, quantity FROM hold WHERE tenant = $1 AND order_id = $2',
      [tenant, unpaidId],
    );
    await tx.query(
      `UPDATE hold SET state = 'released', remaining = 0, ended_at = now() WHERE tenant = $1 AND order_id = $2`,
      [tenant, unpaidId],
    );
    await tx.query(
      `UPDATE orders SET state = 'cancelled', ended_at = now() WHERE tenant = $1 AND order_id = $2`,
      [tenant, unpaidId],
    );
    for (let time = 1; time <= 2; time += 1) {
      await writeMovements(tx, {
        actor: 'broken',
        movements: rows.map((row) => ({
          kind: 'released',
          sku: row.sku,
          siteId: row.site_id,
          lotId: row.lot_id,
          quantity: row.quantity,
          causeKind: 'order',
          causeId: unpaidId,
        })),
      });
    }
  });
}

/** Ends every tenant's due holds and tells only its own journal. */
export async function sweepEveryTenant(database: TestDatabase, tenant: string): Promise<void> {
  await expireDueOrders(database.as('xianda_app'), tenant, 100);
  await database.query(
    `UPDATE hold SET state = 'expired', remaining = 0, ended_at = now() WHERE state = 'held' AND expires_at <= now()`,
  );
  await database.query(
    `UPDATE orders SET state = 'expired', ended_at = now() WHERE state = 'awaitingPayment' AND expires_at <= now()`,
  );
}

/** Takes the money without counting how many holds it committed. */
export async function commitNothing(
  database: TestDatabase,
  tenant: string,
  { orderId, totalFen }: { orderId: string; totalFen: number },
): Promise<void> {
  await database.as('xianda_app').inTenant(tenant, async (tx) => {
    await tx.query(
      `UPDATE hold SET state = 'committed', ended_at = now() WHERE tenant = $1 AND order_id = $2 AND state = 'held'`,
      [tenant, orderId],
    );
    await tx.query(
      `INSERT INTO payment (tenant, provider, transaction_id, order_id, amount_fen, state, held_by, paid_at)
       VALUES ($1, 'sandbox', 'paid-for-nothing', $2, $3, 'applied', 'tenant', now())`,
      [tenant, orderId, totalFen],
    );
    await tx.query(
      `UPDATE orders SET state = 'paid', paid_fen = $3, paid_at = now(), ended_at = NULL WHERE tenant = $1 AND order_id = $2`,
      [tenant, orderId, totalFen],
    );
  });
}
