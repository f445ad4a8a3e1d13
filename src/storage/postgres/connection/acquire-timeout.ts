import { clearTimeout, setTimeout } from 'node:timers';
import type { PostgresClient, PostgresPool } from '../driver-types.ts';

/** Wraps a pool so that waiting for a free connection fails after `timeoutMs`. */
export function withAcquireTimeout(pool: PostgresPool, timeoutMs: number): PostgresPool {
  return {
    connect() {
      const { promise, resolve, reject } = Promise.withResolvers<PostgresClient>();
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        reject(new Error('timeout exceeded when trying to connect')); // the message of the driver's own pool
      }, timeoutMs);
      pool
        .connect()
        .then((client) => (isLate ? client.release() : resolve(client)), reject)
        .finally(() => clearTimeout(timer));
      return promise;
    },
  };
}
