import { postgres } from 'kahn/postgres';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { tablesOf } from '../../../src/storage/postgres/tables.ts';
import { openStorage } from '../../../src/storage/storage.ts';

const connectionString = 'postgres://app:geheim@localhost:5432/app';

describe('postgres()', () => {
  it('describes the storage with all options', () => {
    const { module, options } = structuredClone(postgres({ connectionString, tls: { ca: 'PEM' } }));
    expect(module).toMatch(/storage\/postgres\/storage\.ts$/);
    expect(options).toEqual({
      connectionString,
      tls: { ca: 'PEM' },
      schema: 'kahn',
      transactionPooler: false,
      poolSize: 10,
      connectionTimeoutMs: 5_000,
      statementTimeoutMs: 30_000,
      retryTimeoutMs: 10_000,
    });
  });

  it('has no connection string by default: the driver reads the PGHOST family of variables', () => {
    expect(structuredClone(postgres()).options).not.toHaveProperty('connectionString');
  });

  const pool = new pg.Pool({ connectionString });
  it.each([
    ['connectionString', { connectionString: 'app:geheim@localhost/app' }],
    ['connectionString', { connectionString: '' }],
    ['connectionString', { connectionString: 'mysql://app:geheim@localhost/app' }],
    ['connectionString', { connectionString: { password: 'geheim' } }],
    ['listenConnectionString', { listenConnectionString: 'app:geheim@localhost/app' }],
    ['tls', { tls: 'geheim' }],
    ['tls', { tls: null }],
    ["'key' of postgres({ tls })", { tls: { key: Buffer.from('geheim') } }],
    ["'passphrase' of postgres({ tls })", { tls: { passphrase: 'geheim' } }],
    ["'rejectUnauthorized' of postgres({ tls })", { tls: { rejectUnauthorized: 'geheim' } }],
    ['tls', { tls: true, connectionString: `${connectionString}?sslmode=disable` }],
    ['tls', { tls: false, connectionString: `${connectionString}?application_name=a&ssl=true` }],
    ['tls', { tls: { ca: 'PEM' }, connectionString: `${connectionString}?sslrootcert=/etc/geheim.pem` }],
    ['tls', { tls: { ca: 'PEM' }, connectionString: `${connectionString}?sslnegotiation=direct` }],
    ['tls', { tls: true, listenConnectionString: `${connectionString}?sslmode=disable` }],
    ['poolSize', { poolSize: 0 }],
    ['poolSize', { poolSize: '5' }],
    ['connectionTimeoutMs', { connectionTimeoutMs: 0 }],
    ['connectionTimeoutMs', { connectionTimeoutMs: Number.NaN }],
    ['statementTimeoutMs', { statementTimeoutMs: 1.5 }],
    ['statementTimeoutMs', { statementTimeoutMs: 2 ** 31 }],
    ['retryTimeoutMs', { retryTimeoutMs: -1 }],
    ['retryTimeoutMs', { retryTimeoutMs: Object.create(null) }],
    ['transactionPooler', { transactionPooler: 'yes' }],
    ['password', { password: 'geheim' }],
    ['connectionString', { pool, connectionString }],
    ['poolSize', { pool, poolSize: 5 }],
    ['tls', { pool, tls: true }],
    ['pool', { pool: connectionString }],
    ['pool', { pool: null }],
    ['pool', { pool: {} }],
  ])('rejects a wrong %s and shows no secret', (name, options) => {
    const option = name.startsWith("'") ? `ption ${name}` : `ption '${name}' of postgres()`;
    const rejected = { code: 'INVALID_OPTION', message: expect.stringContaining(option) };
    expect(() => postgres(options as never)).toThrow(expect.objectContaining(rejected));
    expect(() => postgres(options as never)).not.toThrow(/geheim/);
  });

  it('rejects a string, which may hold a password, without showing it', () => {
    expect(() => postgres(connectionString as never)).toThrow(
      "postgres() takes an object, as in postgres({ connectionString: 'postgres://…' }), not a string.",
    );
  });

  it('lists the options if an option is unknown', () => {
    expect(() => postgres({ retryTimeout: 5 } as never)).toThrow(
      /Did you mean 'retryTimeoutMs'\? Options: connectionString, pool, schema, tls, .*listenConnectionString\.$/,
    );
  });

  it('accepts a retry time of 0', () => {
    expect(postgres({ retryTimeoutMs: 0 }).options).toMatchObject({ retryTimeoutMs: 0 });
  });

  it('checks the options again when the storage is opened', async () => {
    const { module, options } = postgres({ connectionString });
    const changed = { module, options: { ...options, schema: 'x"; drop schema kahn; --' } };
    await expect(openStorage(changed)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('reports a connection string that the driver cannot read, without showing it', async () => {
    const unreadable = postgres({ connectionString: 'postgres://app:qq#heim@localhost:x/app' });
    await expect(openStorage(unreadable)).rejects.toMatchObject({
      code: 'INVALID_STORAGE',
      message: expect.not.stringMatching(/qq|heim/),
    });
  });
});

describe('the schema', () => {
  it.each(['a', '_', 'shop_2', 'n'.repeat(63), 'pg', 'pgshop'])('may be %j', (schema) => {
    expect(postgres({ schema }).options).toMatchObject({ schema });
  });

  it.each([
    '',
    'Shop',
    '2shop',
    'shop-2',
    'shop.orders',
    'shop orders',
    'shop\n',
    'shop\0',
    '"shop"',
    "shop'",
    'x"; drop schema public cascade; --',
    'größe',
    'ｓhop',
    '長',
    'n'.repeat(64),
    'pg_catalog',
    'pg_shop',
    'information_schema',
    null,
    5,
    5n,
    ['shop'],
    Object.create(null),
  ])('may not be %o', (schema) => {
    const rejected = { code: 'INVALID_OPTION', message: expect.stringContaining("option 'schema'") };
    expect(() => postgres({ schema: schema as never })).toThrow(expect.objectContaining(rejected));
  });
});

describe('the tables of an application', () => {
  const eventsOf = (name: string): string => tablesOf('shop', name, 'a server').events;

  it('contain the name of the application if it is plain', () => {
    const { events, logs, positions, snapshots, operations } = tablesOf('shop', 'orders_2', 'a server');
    expect([events, logs, positions, snapshots, operations]).toEqual([
      '"shop"."orders_2_events"',
      '"shop"."orders_2_logs"',
      '"shop"."orders_2_positions"',
      '"shop"."orders_2_snapshots"',
      '"shop"."orders_2_operations"',
    ]);
  });

  it('differ for different application names and fit the limits of the server', () => {
    const names = ['orders', 'Orders', 'a', 'a_events', 'a_events_events', 'a-b', 'a_b', 'a b', 'a.b', 'a$b'];
    names.push(
      'a$24b',
      '"',
      '""',
      '"; drop table x; --',
      "'",
      '\\',
      'ö',
      '$c3$b6',
      'o\u0308',
      '長',
      '😀',
      '$',
    );
    names.push('kahn', 'pg_class', '../orders', 'n'.repeat(48), 'n'.repeat(49), `${'n'.repeat(48)}N`);
    names.push('長'.repeat(200), `${'長'.repeat(199)}長長`, 'n'.repeat(10_000), `${'n'.repeat(10_000)}n`);
    const tables = names.flatMap((name) => {
      const { events, logs, positions, snapshots, operations } = tablesOf('shop', name, 'a server');
      return [events, logs, positions, snapshots, operations];
    });
    expect(new Set(tables).size).toBe(5 * names.length);
    for (const table of tables)
      expect(table).toMatch(/^"shop"\."[a-z0-9_$]{1,53}(events|logs|positions|snapshots|operations)"$/);
    expect(tables).not.toContain('"shop"."kahn_applications"');
  });

  it('of applications with long names differ by a hash of the whole name', () => {
    expect(eventsOf('n'.repeat(49))).toMatch(/^"shop"\."n{24}\$\$[0-9a-f]{22}_events"$/);
  });
});
