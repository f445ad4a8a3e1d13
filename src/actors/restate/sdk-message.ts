import { channel } from 'node:diagnostics_channel';
import { format } from 'node:util';
import type { LogMetadata } from '@restatedev/restate-sdk';

/** What is published on the channel `kahn:restate` of `node:diagnostics_channel`: what the SDK of the engine complains of. */
export interface RestateMessage {
  readonly level: 'warn' | 'error';
  readonly message: string;
  /** Which actor's call it is about, by its service, key and handler; undefined if it is about none. */
  readonly target: string | undefined;
}

const messages = channel('kahn:restate');

/** Where the SDK logs: who has subscribed is told of warnings and errors, and nobody of anything else. */
export function publishMessage(about: LogMetadata, ...parts: unknown[]): void {
  const level = `${about.level}` as const;
  if ((level !== 'warn' && level !== 'error') || about.replaying || !messages.hasSubscribers) return;
  const target = about.context?.invocationTarget;
  messages.publish({ level, message: format(...parts), target } satisfies RestateMessage);
}
