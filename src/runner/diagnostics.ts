import { type Channel, channel } from 'node:diagnostics_channel';
import { inRootContext } from '../util/environment/root-context.ts';
import type { Interruption } from './runner.ts';

/** Fields of every event of a runner about an application. */
export interface RunnerEvent {
  /** Name of the runner's class. */
  readonly runner: string;
  readonly applicationName: string;
  readonly pipelineId: number;
}

/** Events published on the channels `kahn:started`, `kahn:prompted` and so on of `node:diagnostics_channel`. */
export interface RunnerEvents {
  /** An application is open and processes notifications. */
  readonly started: RunnerEvent;
  /** The log of an upstream may have grown. Prompts that arrive together are one event. */
  readonly prompted: RunnerEvent & { readonly upstreamName: string };
  /** An application has processed `count` notifications of an upstream. */
  readonly processed: RunnerEvent & { readonly upstreamName: string; readonly count: number };
  /**
   * An application retries: its storage fails in a way that may pass, or it waits for another pipeline or another
   * version. `interruption` is undefined where the next try has no time of its own, as in ticks and actors.
   */
  readonly interrupted: RunnerEvent & {
    readonly error: unknown;
    readonly interruption: Interruption | undefined;
  };
  /** An application failed and is stopped until it is resumed or started again. */
  readonly failed: RunnerEvent & { readonly error: unknown };
  /**
   * A chain of causes has more than `hops` events: policies answer each other, perhaps without an end. Published once for
   * each correlation id, and at most once per second.
   */
  readonly looping: RunnerEvent & {
    readonly hops: number;
    readonly correlationId: string | undefined;
    /** The applications and types of the events that repeat. Each causes the next, and the last causes the first. */
    readonly circle: readonly { readonly applicationName: string; readonly eventType: string }[];
  };
  /**
   * A log holds events of types that its application does not declare, found by the count at the start. A type is named as
   * it is stored: version 2 of a type ends in `@2`.
   */
  readonly undeclared: RunnerEvent & {
    readonly types: readonly { readonly type: string; readonly count: number }[];
  };
  /** A thread or process died and was replaced, for the `restarts`th time in a row without progress. */
  readonly restarted: RunnerEvent & { readonly error: unknown; readonly restarts: number };
  /** An application is closed; `terminated` is true if it was stopped in the middle of its work. */
  readonly stopped: RunnerEvent & { readonly terminated: boolean };
  /** A tick took longer than the clock allows. */
  readonly overrun: {
    readonly runner: string;
    readonly tick: number;
    readonly tickMs: number;
    readonly intervalMs: number;
  };
}

const channels: Readonly<Record<keyof RunnerEvents, Channel>> = {
  started: channel('kahn:started'),
  prompted: channel('kahn:prompted'),
  processed: channel('kahn:processed'),
  interrupted: channel('kahn:interrupted'),
  failed: channel('kahn:failed'),
  looping: channel('kahn:looping'),
  undeclared: channel('kahn:undeclared'),
  restarted: channel('kahn:restarted'),
  stopped: channel('kahn:stopped'),
  overrun: channel('kahn:overrun'),
};

/** Whether a channel has subscribers. Check it before creating frequent events. */
export function isObserved(name: keyof RunnerEvents): boolean {
  return channels[name].hasSubscribers;
}

/** Publishes an event on its channel, outside of the caller's asynchronous context. */
export function publish<Name extends keyof RunnerEvents>(name: Name, event: RunnerEvents[Name]): void {
  const channel = channels[name];
  if (channel.hasSubscribers) inRootContext(() => channel.publish(event));
}

/** Emits a process warning that names the applications that were stopped in the middle of their work. */
export function warnOfAbandoned(applicationNames: readonly string[], afterMs: number): void {
  if (applicationNames.length === 0) return;
  process.emitWarning(
    `Applications ${applicationNames.join(', ')} were still processing events ${afterMs / 1_000} s after close(), and ` +
      'were stopped: a policy may never end. Unfinished work is repeated at the next start.',
    { type: 'KahnWarning', code: 'KAHN_WORK_ABANDONED' },
  );
}

/** Emits a process warning that lists the positions that do not fit the logs, a line for each. */
export function warnOfMismatches(lines: readonly string[]): void {
  if (lines.length === 0) return;
  process.emitWarning(
    `The logs and positions of this system are not of one moment:\n- ${lines.join('\n- ')}\n` +
      'These applications stop with LOG_MISMATCH; the others run. Restore the storage of all applications as of the same ' +
      'moment, or move the positions with reposition(). A system in one file, sqlite({ file }), always is of one moment.',
    { type: 'KahnWarning', code: 'KAHN_LOG_MISMATCH' },
  );
}
