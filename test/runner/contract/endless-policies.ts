import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { System, SystemRunner } from 'kahn';
import { expect, onTestFinished, test } from 'vitest';
import { Ball, Ping, rallies, type Umpire } from '../../support/systems/rallies.ts';
import { until } from '../../support/until.ts';
import type { Apps, RunnerSubject } from './subject.ts';

/** Policies that answer each other without an end. */
export function endlessPolicies({ start, createStorage }: RunnerSubject): void {
  test('an endless loop of policies is reported, and holds up neither timers nor other commands nor close()', async () => {
    const looping = Promise.withResolvers<unknown>();
    subscribe('kahn:looping', looping.resolve);
    onTestFinished(() => void unsubscribe('kahn:looping', looping.resolve));
    const storage = createStorage();
    const started = await start(rallies as unknown as System<Apps>, { storage, drainTimeoutMs: 3_000 });
    await using runner = started as unknown as SystemRunner<typeof Ping | typeof Umpire>;
    const ping = runner.get(Ping);
    const serving = ping.serve(Number.MAX_SAFE_INTEGER).catch(() => {}); // a single thread waits for all effects
    let beats = 0;
    const timer = setInterval(() => {
      beats += 1;
    }, 1);
    onTestFinished(() => clearInterval(timer));
    expect(await looping.promise).toMatchObject({
      hops: 1_000,
      correlationId: expect.any(String),
      circle: expect.arrayContaining([
        { applicationName: 'ping', eventType: 'Ball.Hit' },
        { applicationName: 'pong', eventType: 'Ball.Hit' },
      ]),
    });
    expect(beats).toBeGreaterThan(10);
    const other = Ball.hit(0);
    void ping.save(other).catch(() => {});
    await until('another command is recorded', () => ping.repository.has(Ball, other.id));
    await runner.close();
    await serving;
  });
}
