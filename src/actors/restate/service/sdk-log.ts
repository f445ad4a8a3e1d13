import { channel } from 'node:diagnostics_channel';
import { format } from 'node:util';
import type { LogMetadata } from '@restatedev/restate-sdk';
import type { RestateMessage } from './restate-message.ts';

const messages = channel('kahn:restate');

/** Where the SDK logs: who has subscribed is told of warnings and errors, and nobody of anything else. */
export function publishMessage(about: LogMetadata, ...parts: unknown[]): void {
  const level = `${about.level}` as const;
  if ((level !== 'warn' && level !== 'error') || about.replaying || !messages.hasSubscribers) return;
  const target = about.context?.invocationTarget;
  messages.publish({ level, message: format(...parts), target } satisfies RestateMessage);
}
