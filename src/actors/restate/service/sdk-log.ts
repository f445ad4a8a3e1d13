import { channel } from 'node:diagnostics_channel';
import { format } from 'node:util';
import type { LogMetadata } from '@restatedev/restate-sdk';

/** A warning or error of the engine's SDK, published on the channel `kahn:restate` of `node:diagnostics_channel`. */
export interface RestateMessage {
  readonly level: 'warn' | 'error';
  readonly message: string;
  /** Service, key and handler of the call that it is about; undefined if it is about no call. */
  readonly target: string | undefined;
}

const messages = channel('kahn:restate');

/** Logger for the SDK: publishes warnings and errors, and drops everything else. */
export function publishMessage(about: LogMetadata, ...parts: unknown[]): void {
  const level = `${about.level}` as const;
  if ((level !== 'warn' && level !== 'error') || about.replaying || !messages.hasSubscribers) return;
  const target = about.context?.invocationTarget;
  messages.publish({ level, message: format(...parts), target } satisfies RestateMessage);
}
