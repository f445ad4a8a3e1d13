/** What is published on the channel `kahn:restate` of `node:diagnostics_channel`: what the SDK of the engine complains of. */
export interface RestateMessage {
  readonly level: 'warn' | 'error';
  readonly message: string;
  /** Which actor's call it is about, by its service, key and handler; undefined if it is about none. */
  readonly target: string | undefined;
}
