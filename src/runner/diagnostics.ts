import { type Channel, channel } from 'node:diagnostics_channel';

/** What every event of a runner says. */
export interface RunnerEvent {
  /** The name of the runner's class. */
  readonly runner: string;
  readonly applicationName: string;
  readonly pipelineId: number;
}

/** What is published on the channels `kahn:started`, `kahn:prompted` and so on of `node:diagnostics_channel`. */
export interface RunnerEvents {
  /** An application is open and processes notifications. */
  readonly started: RunnerEvent;
  /** It was told that an upstream's log has grown; prompts that come together are told once. */
  readonly prompted: RunnerEvent & { readonly upstreamName: string };
  /** It has processed `count` notifications of an upstream. */
  readonly processed: RunnerEvent & { readonly upstreamName: string; readonly count: number };
  /** Its storage is busy or away, or it waits for another pipeline: it tries again. */
  readonly interrupted: RunnerEvent & { readonly error: unknown };
  /** It is stopped until the next start of the system. */
  readonly failed: RunnerEvent & { readonly error: unknown };
  /** Its thread or process has died and was started again, for the `restarts`th time without progress. */
  readonly restarted: RunnerEvent & { readonly error: unknown; readonly restarts: number };
  /** It is closed; `terminated` if it had to be stopped in the middle of its work. */
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
  restarted: channel('kahn:restarted'),
  stopped: channel('kahn:stopped'),
  overrun: channel('kahn:overrun'),
};

/** Tells whoever has subscribed. */
export function publish<Name extends keyof RunnerEvents>(name: Name, event: RunnerEvents[Name]): void {
  channels[name].publish(event);
}
