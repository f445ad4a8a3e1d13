import { expect, test } from 'vitest';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { type Fate, TcpProxy } from '../../support/servers/tcp-proxy.ts';
import { runKilledPrograms } from './killed-programs.ts';

/** Longest life of a connection, in bytes: an answer or two with a section of 20 events. */
const mostBytes = 12_000;
const longestStallMs = 1_500;
const kinds: readonly Fate['kind'][] = ['close', 'reset', 'stall'];

test('two programs are killed while their connections are cut, reset and stalled at any byte, and nothing is lost, doubled or out of order', async () => {
  const random = randomNumbers(seed);
  const proxies: TcpProxy[] = [];
  const reachedAt = async (port: number) => {
    const proxy = await TcpProxy.listen(port);
    proxy.nextFate = () => ({
      afterBytes: Math.floor(random() ** 2 * mostBytes), // often in the first request or answer
      kind: kinds[Math.floor(random() * kinds.length)]!,
      stallMs: random() * longestStallMs,
    });
    proxies.push(proxy);
    return proxy.port;
  };
  await runKilledPrograms({ count: 300, kills: 6, reachedAt });
  for (const { met } of proxies) for (const kind of kinds) expect(met[kind], kind).toBeGreaterThan(0);
});
