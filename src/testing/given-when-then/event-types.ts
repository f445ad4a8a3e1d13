import type { Application, ApplicationClass } from '../../application/application.ts';
import type { ProcessApplication } from '../../application/process-application.ts';
import type { Aggregate } from '../../domain/aggregate.ts';
import type { DomainEvent } from '../../domain/event.ts';
import type { Metadata, RecordedEvent } from '../../domain/provenance.ts';

/** A class of applications that follow others. */
export type TestedClass = ApplicationClass<
  Application & { readonly policy: { handlerOf(type: string): unknown } }
>;

/** Events that the applications of a class record. */
export type EmittedBy<Class> = Class extends abstract new (
  ...args: never
) => { reader(): { read(): Promise<readonly { readonly event: infer Event }[]> } }
  ? Extract<Event, DomainEvent>
  : never;

/** Events that the applications of a class follow. */
export type FollowedBy<Class> = Class extends abstract new (
  ...args: never
) => ProcessApplication<infer _, infer Event>
  ? Event
  : never;

/** Resources that the applications of a class need. */
export type ResourcesUsedBy<Class> = Class extends abstract new (
  ...args: never
) => { readonly resources: infer Resources extends object }
  ? Resources
  : object;

/** Handle by which the applications of a class record rows. */
export type RowsHandleOf<Class> = Class extends abstract new (
  ...args: never
) => { readRows(read: (handle: infer Handle) => never): unknown }
  ? Handle
  : unknown;

/** Events of an upstream that an application follows. */
export type FollowedFrom<Upstream, Class> = Extract<
  EmittedBy<Upstream>,
  { readonly type: FollowedBy<Class>['type'] }
>;

/** An event as plain data. Events of one aggregate get consecutive versions, in the order in which they are given. */
export type GivenEvent<Event extends DomainEvent = DomainEvent> = Event extends unknown
  ? {
      readonly type: Event['type'];
      readonly data: Event['data'];
      /** Id of the aggregate. */
      readonly originatorId: string;
      /** Time of the event, in ms since 1970. @default the current time */
      readonly timestamp?: number;
      /** Data that was passed to `save`. @default none */
      readonly metadata?: Metadata;
      /** Id of the command. @default a new id */
      readonly correlationId?: string;
    }
  : never;

/** A plain event, or an aggregate that is not saved and stands for its pending events. */
export type Stated<Emitted extends DomainEvent = DomainEvent, Event extends DomainEvent = Emitted> =
  | GivenEvent<Event>
  | Aggregate<Emitted>;

/** An event that a policy must record. Only the fields that are named are compared. */
export type ExpectedEvent<Event extends DomainEvent = DomainEvent> = Event extends unknown
  ? { readonly type: Event['type'] } & Partial<Omit<RecordedEvent<Event>, 'type'>>
  : never;

/** Rows by the names of their tables. Only the columns that are named are compared. */
export type ExpectedRows<Class> = Readonly<
  Partial<
    Record<
      Class extends { readonly tables: readonly (infer Name extends string)[] } ? Name : string,
      readonly Readonly<Record<string, unknown>>[]
    >
  >
>;
