import { type PostgresOptions, postgres } from 'kahn/postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStorage } from '../../../src/storage/storage.ts';
import { query } from '../../support/servers/postgres.ts';
import { PostgresServer } from '../../support/servers/postgres-server.ts';
import { until } from '../../support/until.ts';
import { makeAuthority } from './certificate.ts';

const authority = makeAuthority();
const ca = authority.certificate;
let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start();
  await turnTlsOn(server);
});

afterAll(() => server[Symbol.asyncDispose]());

/** The server writes the files into its data directory, so that it owns them. */
async function turnTlsOn(own: PostgresServer): Promise<void> {
  const { certificate, key } = authority.issue('localhost');
  const files = { 'server.crt': certificate, 'server.key': key, 'clients.crt': ca };
  for (const [name, pem] of Object.entries(files)) {
    const lines = `select * from regexp_split_to_table(${pg.escapeLiteral(pem)}, '\\n')`;
    await query(`copy (${lines}) to program 'umask 077 && cat > ${name}'`, [], own.url());
  }
  await query('alter system set ssl = on', [], own.url());
  await query(`alter system set ssl_ca_file = 'clients.crt'`, [], own.url());
  await query('select pg_reload_conf()', [], own.url());
  const deadline = Date.now() + 10_000;
  while ((await query('show ssl', [], own.url()))[0].ssl !== 'on') {
    if (Date.now() > deadline) throw new Error('The server does not turn TLS on.');
  }
}

function urlAt(host: string, parameters = ''): string {
  return server.url().replace('127.0.0.1', host) + parameters;
}

/** Returns whether the connections of a storage, including the one that listens, are encrypted. */
async function encryptionOf(options: PostgresOptions): Promise<unknown[]> {
  return (await connectionsOf(options)).map(({ ssl }) => ssl);
}

async function connectionsOf(
  options: PostgresOptions,
): Promise<{ ssl: boolean; client_dn: string | null }[]> {
  const storage = await openStorage(postgres({ schema: 'shop', ...options }));
  try {
    const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables: true });
    await recorder.head(0);
    await using _listening = await storage.listen!({ onPrompt() {}, onGap() {} });
    return await query(
      `select ssl, client_dn from pg_stat_ssl natural join pg_stat_activity where application_name = 'kahn'`,
      [],
      server.url(),
    );
  } finally {
    await storage.close();
    const open = "select from pg_stat_activity where application_name = 'kahn'";
    await until('the server has ended them', async () => (await query(open, [], server.url())).length === 0);
  }
}

function refusal(reason: RegExp): object {
  return { code: 'STORAGE_DENIED', applicationName: 'orders', message: expect.stringMatching(reason) };
}

describe('connections to a server with TLS', () => {
  it('are encrypted if the authority is trusted', async () => {
    expect(await encryptionOf({ connectionString: urlAt('localhost'), tls: { ca } })).toEqual([true, true]);
  });

  it('all present the certificate of the client', async () => {
    const { certificate: cert, key } = authority.issue('client');
    const own = { ssl: true, client_dn: '/CN=client' };
    const options = { connectionString: urlAt('localhost'), tls: { ca, cert, key } };
    expect(await connectionsOf(options)).toEqual([own, own]);
  });

  it('are refused at once if the authority is not trusted', async () => {
    const start = performance.now();
    await expect(encryptionOf({ connectionString: urlAt('localhost'), tls: true })).rejects.toMatchObject(
      refusal(/Check the user, its password, its rights and TLS\. \(.*certificate/),
    );
    const other = makeAuthority().certificate;
    await expect(
      encryptionOf({ connectionString: urlAt('localhost'), tls: { ca: other } }),
    ).rejects.toMatchObject(refusal(/TLS/));
    expect(performance.now() - start).toBeLessThan(5_000); // transient failures are retried for 10,000 ms
  });

  it('are encrypted with any server if certificates are not verified', async () => {
    const tls = { rejectUnauthorized: false };
    expect(await encryptionOf({ connectionString: urlAt('localhost'), tls })).toEqual([true, true]);
  });

  it('are not encrypted if TLS is turned off', async () => {
    expect(await encryptionOf({ connectionString: urlAt('localhost'), tls: false })).toEqual([false, false]);
  });

  it('follow the connection string if there is no option `tls`', async () => {
    expect(await encryptionOf({ connectionString: urlAt('localhost') })).toEqual([false, false]);
    const connectionString = urlAt('localhost', '?sslmode=no-verify');
    expect(await encryptionOf({ connectionString })).toEqual([true, true]);
  });

  it.each(['localhost', '127.0.0.1'])(
    'to %s are refused if the certificate does not have the `servername`',
    async (host) => {
      await expect(
        encryptionOf({ connectionString: urlAt(host), tls: { ca, servername: 'db.example' } }),
      ).rejects.toMatchObject(refusal(/db\.example/));
    },
  );

  it('are refused if the certificate is not that of the host', async () => {
    await expect(encryptionOf({ connectionString: urlAt('127.0.0.1'), tls: { ca } })).rejects.toMatchObject(
      refusal(/127\.0\.0\.1/),
    );
  });

  it('to an address are accepted if the certificate has the `servername`', async () => {
    const tls = { ca, servername: 'localhost' };
    expect(await encryptionOf({ connectionString: urlAt('127.0.0.1'), tls })).toEqual([true, true]);
  });
});

it('TLS is refused by a server without it', async () => {
  await using plain = await PostgresServer.start();
  await expect(encryptionOf({ connectionString: plain.url(), tls: true })).rejects.toMatchObject(
    refusal(/does not support SSL/),
  );
});
