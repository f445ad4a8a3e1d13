import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DownstreamError, SingleThreadedRunner } from 'kahn';
import { backup, sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { processApplicationInternals } from '../../../src/application/process-application.ts';
import { rejectionOf } from '../../support/errors.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { inTime, until } from '../../support/until.ts';

/** Gives all tables of a file the rows of a copy, in one transaction. */
function restore(file: string, copy: string): void {
  using database = new DatabaseSync(file, { timeout: 5_000 });
  database.prepare('attach ? as copy').run(copy);
  const tables = database.prepare("select name from sqlite_schema where type = 'table'").all();
  const texts = tables.map(
    ({ name }) => `delete from "${name}"; insert into "${name}" select * from copy."${name}";`,
  );
  database.exec(`begin immediate; ${texts.join('')} commit`);
}

test('caughtUp() ends after a system in one file was restored while it runs', async () => {
  const directory = temporaryDirectory();
  const [file, copy] = [join(directory, 'shop.db'), join(directory, 'copy.db')];
  const storage = sqlite({ file, synchronous: 'NORMAL' });
  await using runner = await SingleThreadedRunner.start(shop, { storage });
  const [reservations, payments] = [runner.get(Reservations), runner.get(Payments)];
  await runner.get(Orders).place('ada');
  await backup(storage, copy);
  for (const customer of ['bob', 'cy']) await runner.get(Orders).place(customer);
  restore(file, copy);
  // The positions behind ignored notifications are recorded after a second, and in conflict with the restored ones.
  const { isAhead } = processApplicationInternals;
  await until('positions are recorded', () => !isAhead(reservations) && !isAhead(payments));
  const { failures } = await rejectionOf(runner.caughtUp({ signal: inTime() }), DownstreamError);
  expect(failures.get('orders')).toMatchObject({ code: 'LOG_MISMATCH' });
});
