import { expect, test } from 'vitest';
import { RestartPolicy, type WorkerDeath } from '../../../src/runner/supervised/restart-policy.ts';

const atOnce: WorkerDeath = { hasProcessed: false, idleMs: -Infinity, isTransient: false };
const afterDeaths = (count: number, death: WorkerDeath) =>
  Array.from({ length: count }).reduce<RestartPolicy>((policy) => policy.after(death), new RestartPolicy());

test('allows five restarts in a row without progress', () => {
  expect(afterDeaths(5, atOnce)).toMatchObject({ restarts: 5, allowsRestart: true });
  expect(afterDeaths(6, atOnce)).toMatchObject({ restarts: 6, faults: 6, allowsRestart: false });
});

test('starts to count again after a worker that has processed notifications or was idle for five seconds', () => {
  for (const healthy of [
    { ...atOnce, hasProcessed: true },
    { ...atOnce, idleMs: 5_000 },
  ]) {
    const policy = afterDeaths(5, atOnce).after(healthy);
    expect(policy).toMatchObject({ restarts: 1, faults: 1, allowsRestart: true });
  }
});

test('counts a worker that dies soon after it became idle', () => {
  expect(afterDeaths(6, { ...atOnce, idleMs: 4_999 }).allowsRestart).toBe(false);
});

test('allows any number of restarts while storage is unavailable', () => {
  const policy = afterDeaths(100, { ...atOnce, isTransient: true });
  expect(policy).toMatchObject({ restarts: 100, faults: 0, allowsRestart: true });
  expect(policy.after(atOnce)).toMatchObject({ restarts: 101, faults: 1 });
});

test('leaves the policy before a death unchanged', () => {
  const policy = new RestartPolicy();
  policy.after(atOnce);
  expect(policy).toMatchObject({ restarts: 0, faults: 0 });
});
