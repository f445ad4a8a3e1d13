import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { until } from '../../../support/until.ts';
import type { Fault, Scene } from './fault.ts';
import type { ShopUnderLoad } from './shop-under-load.ts';

/** Fault in which the pool has two connections: one listens, the other is taken for some time. */
function poolExhausted(
  name: string,
  retryTimeoutMs: number,
  meanwhile: (load: ShopUnderLoad, asked: () => number) => Promise<void>,
): Omit<Fault, 'surfaces'> {
  let pool: pg.Pool;
  let asked = 0;
  return {
    name,
    options: ({ connectionString }) => {
      pool = new pg.Pool({ connectionString, max: 2 });
      pool.on('error', () => {});
      const connect = () => {
        asked += 1;
        return pool.connect();
      };
      return { pool: { connect }, connectionTimeoutMs: 500, retryTimeoutMs };
    },
    async harm(load) {
      await load.goesOn();
      const taken = await pool.connect();
      await meanwhile(load, () => asked);
      taken.release();
      await load.goesOn();
      return 1;
    },
  };
}

const poolBusy: Fault = poolExhausted('pool exhausted for a while', 10_000, (_, asked) => {
  const before = asked();
  return until('a connection is asked for three times', () => asked() >= before + 3);
});

const poolBusyForLong: Fault = {
  ...poolExhausted('pool exhausted for longer than calls are retried', 150, (load) =>
    load.fails('STORAGE_BUSY'),
  ),
  surfaces: ['STORAGE_BUSY'],
};

/** Returns whether a small file system can be mounted. */
function canMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'kahn-disk-'));
  const can = mount(directory);
  if (can) spawnSync('/bin/umount', [directory]);
  rmdirSync(directory);
  return can;
}

function mount(directory: string): boolean {
  return spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=777', 'tmpfs', directory]).status === 0;
}

/** Keeps the events of the orders on a disk of their own, and fills that with another file. */
const diskFull: Fault = {
  name: 'the disk is full',
  async harm(load, { admin, schema }) {
    const disk = mkdtempSync(join(tmpdir(), 'kahn-disk-'));
    mount(disk);
    try {
      chmodSync(disk, 0o777);
      const place = join(disk, 'tablespace');
      await admin.query(`copy (select) to program 'mkdir -m 700 ${place}'`);
      await admin.query(`create tablespace small location '${place}'`);
      await admin.query(`alter table ${schema}.orders_events set tablespace small`);
      await load.goesOn();
      fill(join(disk, 'other'));
      await load.fails('STORAGE_FULL').finally(() => rmSync(join(disk, 'other')));
      await load.goesOn();
      await admin.query(`alter table ${schema}.orders_events set tablespace pg_default`);
      await admin.query('drop tablespace small');
    } finally {
      spawnSync('/bin/umount', ['--lazy', disk]);
      rmdirSync(disk);
    }
    return 1;
  },
  surfaces: ['STORAGE_FULL'],
};

/** Makes the server fail as it does if its disk is full. */
const diskSaidToBeFull: Fault = {
  name: 'a trigger reports a full disk',
  async harm(load, { admin, schema }: Scene) {
    await admin.query(`
      create function ${schema}.fail() returns trigger language plpgsql as
        $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$;
      create trigger fail before insert on ${schema}.orders_events execute function ${schema}.fail()`);
    await load.fails('STORAGE_FULL');
    await admin.query(`drop trigger fail on ${schema}.orders_events`);
    await load.goesOn();
    return 1;
  },
  surfaces: ['STORAGE_FULL'],
};

/** Faults in which a resource runs out. */
export function faultsOfResources(): readonly Fault[] {
  return [poolBusy, poolBusyForLong, diskSaidToBeFull, ...(canMount() ? [diskFull] : [])];
}

/** Writes a file until the disk is full. */
function fill(file: string): void {
  const block = Buffer.alloc(4_096);
  try {
    for (;;) writeFileSync(file, block, { flag: 'a' });
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOSPC') throw error;
  }
}
