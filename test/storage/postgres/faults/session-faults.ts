import pg from 'pg';
import { until } from '../../../support/until.ts';
import { type Fault, inSession, type Scene, times } from './fault.ts';

const backendsTerminated: Fault = {
  name: 'connections terminated by the server',
  harm: (load, { admin }) =>
    times(15, async () => {
      await terminate(admin);
      await load.goesOn(10);
    }),
};

const lockReleased: Fault = {
  name: 'log locked for longer than a statement may take, then released',
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
  name: 'log locked for longer than calls are retried',
  options: () => ({ statementTimeoutMs: 60, retryTimeoutMs: 200 }),
  async harm(load, scene) {
    await holdingLog(scene, () => load.fails('STORAGE_BUSY'));
    await load.goesOn();
    return 1;
  },
  surfaces: ['STORAGE_BUSY'],
};

const deadlock: Fault = {
  name: 'deadlock with the shop as the victim',
  // The server looks for a deadlock once a session has waited this long. By then, the rival must wait as well.
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
  name: 'all connections of the server in use',
  options: () => ({ retryTimeoutMs: 200 }),
  async harm(load, { admin, server, proxy }) {
    const others: pg.Client[] = [];
    const accepted = proxy.accepted;
    // Until the shop has asked for connections several times. Its customers may all wait for followers meanwhile.
    while (proxy.accepted < accepted + 8) {
      await terminate(admin);
      while (await isConnected(server.url(), others));
    }
    await Promise.all(others.map((client) => client.end()));
    await load.goesOn();
    return 1;
  },
  perhaps: ['STORAGE_BUSY', 'STORAGE_OUTCOME_UNKNOWN'],
};

/** Faults caused by other sessions or the administrator of the server. */
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

/** Does the work while another session locks the log of the orders. */
function holdingLog({ server, schema }: Scene, work: () => Promise<void>): Promise<void> {
  return inSession(server.url(), async (rival) => {
    await rival.query('begin');
    await rival.query(`select from ${schema}.orders_logs for update`);
    await work();
  });
}

/**
 * Locks the log first and then the position, the opposite order of the shop. This session waits longer before it looks
 * for a deadlock, so that the server cancels the statement of the shop.
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

/** Returns whether the server accepted one more connection, which stays open. */
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
