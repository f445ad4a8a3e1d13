import type { DomainEvent } from './event.ts';

/** The notification that a policy was handling when it made an event. */
export interface Cause {
  /** Name of the application in whose log the notification is. */
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly notificationId: number;
}

/**
 * Plain data about where events come from, such as the user of a command or a W3C `traceparent`. Declare the names that
 * a program uses, so that they are typed everywhere.
 *
 * @example
 * declare module 'kahn' {
 *   interface Metadata {
 *     readonly user?: string;
 *   }
 * }
 */
export interface Metadata {
  readonly [name: string]: unknown;
}

/** Where an event comes from. Missing on events that are not recorded yet or were recorded by earlier releases. */
export interface Provenance {
  /** The notification that caused the event; undefined for events of commands. */
  readonly cause?: Cause;
  /** Id that is shared by the events of a command and by everything that follows from them. */
  readonly correlationId?: string;
  /** Frozen copy of the data that was passed to `save`, or carried on from the cause. */
  readonly metadata?: Metadata;
}

/** An event as policies and readers get it: with where it comes from. */
export type RecordedEvent<E extends DomainEvent = DomainEvent> = E & Provenance;

/**
 * Returns the metadata that the effects of an event carry on. It must return equal data for equal events, so that a
 * retry records the same.
 */
export type CarryMetadata = (event: RecordedEvent) => Metadata | undefined;
