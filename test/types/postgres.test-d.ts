import type { StorageDescription } from 'kahn';
import { type PostgresOptions, type PostgresPool, postgres } from 'kahn/postgres';
import pg from 'pg';
import { expectTypeOf } from 'vitest';

expectTypeOf(postgres()).toEqualTypeOf<StorageDescription>();
expectTypeOf(postgres).toBeCallableWith({ connectionString: 'postgres://localhost/app', schema: 'shop' });
expectTypeOf(postgres).toBeCallableWith({ tls: true, poolSize: 5, connectionTimeoutMs: 1_000 });
expectTypeOf(postgres).toBeCallableWith({ tls: { ca: 'PEM', servername: 'db.example' } });
expectTypeOf(postgres).toBeCallableWith({ transactionPooler: true, listenConnectionString: 'postgres://db' });

// A pool of the driver is accepted.
expectTypeOf<pg.Pool>().toExtend<PostgresPool>();
postgres({ pool: new pg.Pool(), schema: 'shop' });
// @ts-expect-error A client is not a pool.
postgres({ pool: new pg.Client() });
// @ts-expect-error Options of a pool are not a pool.
postgres({ pool: { connectionString: 'postgres://localhost/app' } });

// @ts-expect-error Unknown option.
postgres({ host: 'localhost' });
// @ts-expect-error `tls` takes no `sslmode`.
postgres({ tls: 'verify-full' });
// @ts-expect-error A Buffer cannot be sent to other threads: use a string.
postgres({ tls: { ca: Buffer.from('PEM') } });
// @ts-expect-error A function cannot be sent to other threads.
postgres({ tls: { checkServerIdentity: () => undefined } });
// @ts-expect-error A duration is a number of ms.
postgres({ retryTimeoutMs: '10s' });

// All options are optional.
const options: PostgresOptions = {};
// @ts-expect-error Options are read-only.
options.schema = 'other';
