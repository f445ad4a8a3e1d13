import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { RunnerEvents } from 'kahn';
import { onTestFinished } from 'vitest';

/** An event of a runner, with the name of its channel. */
export type SeenEvent = {
  [Name in keyof RunnerEvents]: { kind: Name } & RunnerEvents[Name];
}[keyof RunnerEvents];

const kinds: Record<keyof RunnerEvents, true> = {
  started: true,
  prompted: true,
  processed: true,
  interrupted: true,
  failed: true,
  looping: true,
  undeclared: true,
  restarted: true,
  stopped: true,
  overrun: true,
};

/** Returns all events that runners publish until the test has finished, in order, and calls `hear` with each. */
export function watchRunners(hear: (event: SeenEvent) => void = () => {}): SeenEvent[] {
  const events: SeenEvent[] = [];
  for (const kind of Object.keys(kinds)) {
    const note = (message: unknown) => {
      const event = { kind, ...(message as object) } as SeenEvent;
      events.push(event);
      hear(event);
    };
    subscribe(`kahn:${kind}`, note);
    onTestFinished(() => void unsubscribe(`kahn:${kind}`, note));
  }
  return events;
}
