import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { DirectoryLayout } from '../../../src/storage/sqlite/layout/directory-layout.ts';
import { createTables } from '../../../src/storage/sqlite/schema.ts';
import { prepare } from '../../../src/storage/sqlite/statements.ts';

const { tables } = new DirectoryLayout('data', 0).fileOf('orders');

function planOf(database: DatabaseSync, { sourceSQL }: StatementSync): string[] {
  return database
    .prepare(`explain query plan ${sourceSQL}`)
    .all()
    .map(({ detail }) => String(detail));
}

it('scan no table but that of positions, of which all are listed', () => {
  using database = new DatabaseSync(':memory:');
  database.exec(createTables(tables));
  const scans = Object.entries(prepare(database, tables)).filter(([, statement]) =>
    planOf(database, statement).some((step) =>
      /^SCAN (events|positions|snapshots|operations|commands)/.test(step),
    ),
  );
  expect(scans.map(([name]) => name)).toEqual(['positions']);
});

it('find the logs by stepping from one pipeline to the next in the index', () => {
  using database = new DatabaseSync(':memory:');
  database.exec(createTables(tables));
  const steps = planOf(database, prepare(database, tables).logs).filter((step) => step.includes(' events '));
  const index = 'SEARCH events USING COVERING INDEX sqlite_autoindex_events_1';
  expect(steps).toEqual([index, `${index} (pipeline_id>?)`, `${index} (pipeline_id=?)`]);
});
