import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { createTables } from '../../../src/storage/sqlite/schema.ts';
import { prepare } from '../../../src/storage/sqlite/statements.ts';

it('scan no table but that of positions, of which all are listed', () => {
  using database = new DatabaseSync(':memory:');
  database.exec(createTables);
  const scans = Object.entries(prepare(database)).filter(([, { sourceSQL }]: [string, StatementSync]) => {
    const steps = database.prepare(`explain query plan ${sourceSQL}`).all();
    return steps.some(({ detail }) => /^SCAN (events|positions|snapshots)/.test(String(detail)));
  });
  expect(scans.map(([name]) => name)).toEqual(['positions']);
});
