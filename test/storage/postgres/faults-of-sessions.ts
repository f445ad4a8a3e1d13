import pg from 'pg';
import { until } from '../../support/until.ts';
import { type Fault, inSession, type Scene, times } from './fault.ts';

const backendsTerminated: Fault = {
  name: 'backends terminated',
  harm: (load, { admin }) =>
    times(15, async () => {
      await terminate(admin);
      await load.goesOn(10);
    }),
};

const lockReleased: Fault = {
  name: 'log locked beyond the statement time-out, then released',
  options: () => ({ statementTimeoutMs: 60 }),
  harm: (load, scene) =>
    times(3, async () => {
      await holdingLog(scene, async () => {
        const { sent } = scene;
        await until('the statement is sent three times', () => scene.sent >= sent + 3);
      });
      await load.goesOn();
    }),
};

const lockHeld: Fault = {
  name: 'log locked for longer than it is tried again',
  options: () => ({ statementTimeoutMs: 60, retryTimeoutMs: 200 }),
  async harm(load, scene) {
    await holdingLog(scene, () => load.fails('STORAGE_BUSY'));
    await load.goesOn();
    return 1;
  },
  surfaces: ['STORAGE_BUSY'],
};

const deadlock: Fault = {
  name: 'deadlock, the shop being the victim',
  // The server looks for one once, when somebody has waited for so long: by then, the rival must wait, too.
  options: ({ connectionString }) => ({
    connectionString: `${connectionString}?options=-c%20deadlock_timeout%3D500ms`,
  }),
  async harm(load, scene) {
    const done = await times(10, async () => {
      await lockInTheOtherOrder(scene);
      await load.goesOn(5);
    });
    await until('the server has counted the deadlocks', async () => {
      const { rows } = await scene.admin.query('select sum(deadlocks)::integer as sum from pg_stat_database');
      return rows[0].sum >= done;
    });
    return done;
  },
};

const connectionsTaken: Fault = {
  name: 'all connections of the server taken',
  options: () => ({ retryTimeoutMs: 200 }),
  async harm(load, { admin, server }) {
    const others: pg.Client[] = [];
    while (!load.codes.has('STORAGE_BUSY')) {
      await terminate(admin);
      while (await isConnected(server.url(), others));
    }
    await Promise.all(others.map((client) => client.end()));
    await load.goesOn();
    return 1;
  },
  surfaces: ['STORAGE_BUSY'],
  perhaps: ['STORAGE_OUTCOME_UNKNOWN'],
};

/** What other sessions of the server, or its administrator, may do to those of the shop. */
export const faultsOfSessions: readonly Fault[] = [
  backendsTerminated,
  lockReleased,
  lockHeld,
  deadlock,
  connectionsTaken,
];

function terminate(admin: pg.Client): Promise<unknown> {
  return admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'kahn'`,
  );
}

/** Locks the log of the orders while something is done. */
function holdingLog({ server, schema }: Scene, work: () => Promise<void>): Promise<void> {
  return inSession(server.url(), async (rival) => {
    await rival.query('begin');
    await rival.query(`select from ${schema}.orders_logs for update`);
    await work();
  });
}

/**
 * The shop locks the position first, and then the log; this does it the other way round, with such patience that
 * it is the shop that has to give way.
 */
function lockInTheOtherOrder({ server, schema, admin }: Scene): Promise<void> {
  return inSession(server.url(), async (rival) => {
    await rival.query(`set deadlock_timeout = '1min'`);
    await rival.query('begin');
    await rival.query(`select from ${schema}.reservations_logs for update`);
    await until('the shop waits for the log', async () => {
      const { rows } = await admin.query(
        `select from pg_stat_activity where application_name = 'kahn' and wait_event_type = 'Lock'`,
      );
      return rows.length > 0;
    });
    await rival.query(`select from ${schema}.reservations_positions for update`);
    await rival.query('rollback');
  });
}

/** Whether the server had room for one more connection, which is kept. */
async function isConnected(connectionString: string, connected: pg.Client[]): Promise<boolean> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => {});
  try {
    await client.connect();
    connected.push(client);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code !== '53300') throw error;
    return false;
  }
}
