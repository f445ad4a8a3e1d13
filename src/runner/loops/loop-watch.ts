import { performance } from 'node:perf_hooks';
import type { Cause } from '../../domain/provenance.ts';
import { publish, type RunnerEvents } from '../diagnostics.ts';
import { causeChain, type RecorderOf } from './cause-chain.ts';

/** Longest chain of causes that is not reported, in hops from an event to its cause. */
const mostHops = 1_000;
/** Number of processed notifications after which the chain of an event is followed. */
const notificationsPerCheck = 1_000;
/** Shortest time between two checks, in ms. */
const checkIntervalMs = 1_000;
/** Number of the newest events of a log among which a check chooses one. */
const newest = 8;
/** Largest number of events read to find the circle. */
const longestCircle = 32;
/** Largest number of chains and circles that are remembered as reported. */
const mostReported = 1_000;

type Looping = RunnerEvents['looping'];

/**
 * Finds policies that answer each other without an end. Every 1000 processed notifications, follows the causes of a new
 * event; if there are more than 1000 in a row, publishes the applications and event types that repeat.
 */
export class LoopWatch {
  readonly #runner: string;
  readonly #recorderOf: RecorderOf;
  /** Chains, by correlation id, and circles that are reported. */
  readonly #reported = new Set<string>();
  #processed = 0;
  #nextCheckAt = 0;

  /** @param runner Name of the runner's class. */
  constructor(runner: string, recorderOf: RecorderOf) {
    this.#runner = runner;
    this.#recorderOf = recorderOf;
  }

  /** Notes that an application has processed notifications. */
  processed(applicationName: string, pipelineId: number, count: number): void {
    this.#processed += count;
    if (this.#processed < notificationsPerCheck || performance.now() < this.#nextCheckAt) return;
    this.#processed = 0;
    this.#nextCheckAt = Infinity;
    this.#check(applicationName, pipelineId)
      .catch(() => {}) // the storage is busy or closed: the next check tries again
      .finally(() => {
        this.#nextCheckAt = performance.now() + checkIntervalMs;
      });
  }

  async #check(applicationName: string, pipelineId: number): Promise<void> {
    const recorder = await this.#recorderOf(applicationName);
    if (recorder === undefined) return;
    const after = Math.max(0, (await recorder.head(pipelineId)) - newest);
    const events = (await recorder.notifications(pipelineId, after, newest)).filter(
      ({ cause, correlationId = '' }) => cause !== undefined && !this.#reported.has(correlationId),
    );
    const event = events[Math.floor(Math.random() * events.length)]; // not all of them may be in the loop
    if (event === undefined) return;
    const from = { applicationName, pipelineId, notificationId: event.id };
    const chain = await causeChain(from, mostHops, this.#recorderOf);
    if (chain.length <= mostHops) return;
    const { correlationId } = event;
    const circle = await this.#circleIn(chain.slice(0, longestCircle));
    this.#report({
      runner: this.#runner,
      applicationName,
      pipelineId,
      hops: mostHops,
      correlationId,
      circle,
    });
  }

  /** Returns the applications and event types that repeat in a chain, in the order in which they cause each other. */
  async #circleIn(chain: readonly Cause[]): Promise<Looping['circle']> {
    const circle: Looping['circle'][number][] = [];
    for (const { applicationName, pipelineId, notificationId } of chain) {
      const recorder = await this.#recorderOf(applicationName);
      const [event] = (await recorder?.notifications(pipelineId, notificationId - 1, 1)) ?? [];
      const eventType = event?.type ?? '';
      if (circle[0]?.applicationName === applicationName && circle[0].eventType === eventType) break;
      circle.push({ applicationName, eventType });
    }
    return circle.reverse();
  }

  #report(event: Looping): void {
    if (event.correlationId !== undefined) this.#remember(event.correlationId);
    publish('looping', event);
    const names = event.circle.map(({ applicationName, eventType }) => `${applicationName} (${eventType})`);
    const circle = names.join(' -> ');
    if (this.#reported.has(circle)) return;
    this.#remember(circle);
    process.emitWarning(
      `Policies answer each other: a chain of causes has more than ${mostHops} events, ${circle} and again. ` +
        'If it never ends, let one of the policies ignore what it has caused.',
      { type: 'KahnWarning', code: 'KAHN_POLICIES_LOOPING' },
    );
  }

  #remember(reported: string): void {
    this.#reported.add(reported);
    const [oldest] = this.#reported;
    if (this.#reported.size > mostReported && oldest !== undefined) this.#reported.delete(oldest);
  }
}
