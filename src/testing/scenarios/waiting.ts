import { setTimeout as delay } from 'node:timers/promises';
import type { ApplicationStatus } from '../../runner/runner.ts';
import { messageOf } from '../../util/errors.ts';
import type { LastingRunner } from './lasting-runner.ts';

/** Longest time to wait for the status of a runner, in ms. */
const statusTimeoutMs = 1_000;

/** Says which commands and applications of a runner have not ended. */
export async function waitingIn(runner: LastingRunner): Promise<readonly string[]> {
  const calls = [...runner.underway].map(
    ({ applicationName, method }) => `${method}() of '${applicationName}' has not returned`,
  );
  const status = await Promise.race([
    runner.face.status().catch(() => []), // the timeout is the error to report
    delay(statusTimeoutMs, [], { ref: false }),
  ]);
  return [...calls, ...status.flatMap(lineOf)];
}

function lineOf({ applicationName, state, upstreams, lastError }: ApplicationStatus): string[] {
  const behind = upstreams.filter(({ lag }) => lag > 0);
  if (behind.length === 0) return [];
  const lags = behind.map(
    ({ upstreamName, lag, position }) => `${lag} behind '${upstreamName}' (at ${position})`,
  );
  const error = lastError === undefined ? '' : `, last error: ${messageOf(lastError)}`;
  return [`'${applicationName}' is ${state}, ${lags.join(' and ')}${error}`];
}
