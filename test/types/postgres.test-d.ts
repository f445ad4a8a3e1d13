import type { StorageDescription } from 'kahn';
import { type PostgresOptions, type PostgresPool, postgres } from 'kahn/postgres';
import pg from 'pg';
import { expectTypeOf } from 'vitest';

expectTypeOf(postgres()).toEqualTypeOf<StorageDescription>();
expectTypeOf(postgres).toBeCallableWith({ connectionString: 'postgres://localhost/app', schema: 'shop' });
expectTypeOf(postgres).toBeCallableWith({ tls: true, poolSize: 5, connectionTimeoutMs: 1_000 });
expectTypeOf(postgres).toBeCallableWith({ tls: { ca: 'PEM', servername: 'db.example' } });
expectTypeOf(postgres).toBeCallableWith({ transactionPooler: true, listenConnectionString: 'postgres://db' });

// A pool of the driver is one, as it is.
expectTypeOf<pg.Pool>().toExtend<PostgresPool>();
postgres({ pool: new pg.Pool(), schema: 'shop' });
// @ts-expect-error A single connection is no pool.
postgres({ pool: new pg.Client() });
// @ts-expect-error What a pool is made of is no pool.
postgres({ pool: { connectionString: 'postgres://localhost/app' } });

// @ts-expect-error Options that do not exist are refused.
postgres({ host: 'localhost' });
// @ts-expect-error There are more values to TLS than yes, no and those of the driver's `sslmode`.
postgres({ tls: 'verify-full' });
// @ts-expect-error The description is sent to other threads: only texts can be.
postgres({ tls: { ca: Buffer.from('PEM') } });
// @ts-expect-error A function cannot be sent either.
postgres({ tls: { checkServerIdentity: () => undefined } });
// @ts-expect-error Durations are numbers of milliseconds.
postgres({ retryTimeoutMs: '10s' });

// What is not given is left out: undefined stands for nothing.
const options: PostgresOptions = {};
// @ts-expect-error Options are only read.
options.schema = 'other';
