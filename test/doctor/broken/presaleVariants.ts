import { writeMovements } from '../../../src/db/inventory';
import { takeFromReserve } from '../../../src/db/presaleReserve';
import type { Movement, MovementKind } from '../../../src/domain/inventory/model';
import type { TestDatabase } from '../../support/database';
import { dayFromToday } from '../../support/fixtures';
import type { World } from './world';

/** Broken twins of the arrival's functions. Each leaves out the one thing its name tells. */

const lot = { sku: 'apple', siteId: 'central', lotId: 'arrived' };

function move(
  kind: MovementKind,
  quantity: number,
  cause: Pick<Movement, 'causeKind' | 'causeId'>,
): Movement {
  return { ...lot, kind, quantity, ...cause };
}

/** Hands goods to a line without asking whether it has some already. */
export async function convertAgain(database: TestDatabase, { tenant, presaleId }: World): Promise<void> {
  await database.as('xianda_app').inTenant(tenant, async (tx) => {
    await tx.query(
      `INSERT INTO hold (tenant, hold_id, order_id, line_id, sku, site_id, lot_id, quantity, remaining, state, hand_over_on, ended_at)
       VALUES ($1, $2 || ':again', $2, '1', 'apple', 'central', 'arrived', 2, 2, 'committed', $3, now())`,
      [tenant, presaleId, dayFromToday(1)],
    );
    await takeFromReserve(tx, [{ campaignId: 'early', ...lot, units: 2 }]);
    await writeMovements(tx, {
      actor: 'broken',
      movements: [move('converted', 2, { causeKind: 'order', causeId: presaleId })],
    });
  });
}

/** Serves a presale line with what lies on the shelf. */
export async function serveFromShelf(database: TestDatabase, { tenant, presaleId }: World): Promise<void> {
  await database.as('xianda_app').inTenant(tenant, async (tx) => {
    await tx.query(
      `INSERT INTO hold (tenant, hold_id, order_id, line_id, sku, site_id, lot_id, quantity, remaining, state, hand_over_on, ended_at)
       VALUES ($1, $2 || ':shelf', $2, '1', 'apple', 'central', 'lot-30d', 2, 2, 'committed', $3, now())`,
      [tenant, presaleId, dayFromToday(1)],
    );
    const cause = { ...lot, lotId: 'lot-30d', quantity: 2, causeKind: 'order' as const, causeId: presaleId };
    await writeMovements(tx, {
      actor: 'broken',
      movements: [
        { ...cause, kind: 'held' },
        { ...cause, kind: 'committed' },
      ],
    });
  });
}

/** Calls the rest a surplus while a buyer still waits for it. */
export async function unreserveTooEarly(
  database: TestDatabase,
  { tenant }: World,
  units: number,
): Promise<void> {
  await database.as('xianda_app').inTenant(tenant, async (tx) => {
    await takeFromReserve(tx, [{ campaignId: 'early', ...lot, units }]);
    await writeMovements(tx, {
      actor: 'broken',
      movements: [move('unreserved', units, { causeKind: 'campaign', causeId: 'early' })],
    });
  });
}
