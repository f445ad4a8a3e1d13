import { channel } from 'node:diagnostics_channel';
import { format } from 'node:util';
import { inRootContext } from '../../../util/environment/root-context.ts';

/** A warning or error of the engine's SDK, published on the channel `kahn:restate` of `node:diagnostics_channel`. */
export interface RestateMessage {
  readonly level: 'warn' | 'error';
  readonly message: string;
  /** Service, key and handler of the call that the message is about; undefined if there is no call. */
  readonly target: string | undefined;
}

/**
 * Metadata that the SDK passes to a logger. Declared here, so that `kahn/restate` has no types of the SDK, which is
 * optional.
 */
interface LogMetadata {
  readonly level: string;
  readonly replaying: boolean;
  readonly context?: { readonly invocationTarget: string };
}

const messages = channel('kahn:restate');

/** Logger for the SDK: publishes warnings and errors, and drops everything else. */
export function publishMessage({ level, replaying, context }: LogMetadata, ...parts: unknown[]): void {
  if ((level !== 'warn' && level !== 'error') || replaying || !messages.hasSubscribers) return;
  const message: RestateMessage = { level, message: format(...parts), target: context?.invocationTarget };
  inRootContext(() => messages.publish(message));
}
