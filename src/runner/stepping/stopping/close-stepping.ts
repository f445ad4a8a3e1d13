import { clearTimeout, setTimeout } from 'node:timers';
import { applicationInternals } from '../../../application/application.ts';
import { publish, warnOfAbandoned } from '../../diagnostics.ts';
import { RunnerClosedError } from '../../errors.ts';
import type { ClockLoop } from '../clock/clock-loop.ts';
import type { TickSeries } from '../clock/tick-series.ts';
import { eventOf, type SteppingParts } from '../open-stepping.ts';
import type { Recovery } from './recovery.ts';

/** Finishes the tick under way, which is abandoned after `drainTimeoutMs`, and releases everything. */
export async function closeStepping(
  parts: SteppingParts,
  recovery: Recovery,
  ticks: Pick<TickSeries<unknown>, 'ended'>,
  clock: Pick<ClockLoop, 'ended'>,
): Promise<void> {
  const { running, driver, turns, options } = parts;
  await recovery.close();
  await using closing = new AsyncDisposableStack(); // everything is released even if a step of closing fails
  closing.defer(() => turns.run(() => running.release()));
  const abandon = () => recovery.state.abandon(new RunnerClosedError());
  const timer = setTimeout(abandon, options.drainTimeoutMs);
  await ticks.ended().finally(() => clearTimeout(timer)); // the tick under way has ended
  await clock.ended;
  await Promise.all(running.applications.map(applicationInternals.close));
  const terminated = await driver.close(options.drainTimeoutMs);
  await closing.disposeAsync();
  warnOfAbandoned(terminated, options.drainTimeoutMs);
  for (const { applicationName } of running.applications) {
    const isTerminated = terminated.includes(applicationName);
    publish('stopped', { ...eventOf(parts, applicationName), terminated: isTerminated });
  }
}
