/**
 * A message of kahn between a runner and its worker. Policies share the port with kahn, and may send messages of their
 * own, which have no envelope and are ignored.
 */
export interface Envelope<Message> {
  readonly kahn: Message;
}

export function enclosed<Message>(message: Message): Envelope<Message> {
  return { kahn: message };
}

/** Returns the message of an envelope; undefined for messages of other code. */
export function messageIn<Message>(received: unknown): Message | undefined {
  if (typeof received !== 'object' || received === null) return undefined;
  return (received as Partial<Envelope<Message>>).kahn;
}
