import type { Application, ApplicationClass } from '../application/application.ts';
import type { ProcessApplication } from '../application/process-application.ts';
import type { ReadContext } from '../application/projection/projection-context.ts';
import type { DomainEvent } from '../domain/event.ts';
import type { EventsOf } from '../domain/events/define-events.ts';
import type { RowsKind } from '../storage/recorder.ts';

/** Application classes, each of which follows the class before it. A single class is a pipeline of one application. */
export type Pipeline = ApplicationClass | readonly ApplicationClass[];

/** Union of the application classes in some pipelines. */
export type ApplicationsIn<Pipelines extends readonly unknown[]> = {
  [I in keyof Pipelines]: Pipelines[I] extends readonly unknown[] ? Pipelines[I][number] : Pipelines[I];
}[number] &
  ApplicationClass;

/**
 * Checks pipelines at compile time. The type of an invalid class becomes a sentence with the reason, which the compiler
 * reports for this class alone.
 */
export type CheckedPipelines<Pipelines extends readonly unknown[]> =
  CheckedBrackets<Pipelines> extends string
    ? CheckedBrackets<Pipelines>
    : {
        [I in keyof Pipelines]: Pipelines[I] extends readonly unknown[]
          ? CheckedPipeline<Pipelines[I]>
          : CheckedClass<Pipelines[I]>;
      };

type CheckedBrackets<Pipelines extends readonly unknown[]> = Pipelines extends readonly [
  unknown,
  unknown,
  ...unknown[],
]
  ? [Extract<Pipelines[number], readonly unknown[]>] extends [never]
    ? 'One pair of brackets connects nothing: write System.of([[Orders, Reservations]]).'
    : Pipelines
  : Pipelines;

type CheckedPipeline<Classes extends readonly unknown[]> = Classes extends readonly []
  ? 'A pipeline needs at least one application.'
  : Classes extends readonly [infer First, ...infer Rest]
    ? [CheckedClass<First>, ...CheckedFollowers<First, Rest>]
    : { [I in keyof Classes]: CheckedClass<Classes[I]> }; // the length is known at run time only, when it is checked

type CheckedFollowers<Upstream, Classes extends readonly unknown[]> = Classes extends readonly [
  infer Downstream,
  ...infer Rest,
]
  ? [CheckedFollower<Upstream, Downstream>, ...CheckedFollowers<Downstream, Rest>]
  : [];

/** A follower is not to blame for an upstream that is no application. */
type CheckedFollower<Upstream, Downstream> =
  CheckedClass<Downstream> extends string
    ? CheckedClass<Downstream>
    : [Follows<Downstream>] extends [never]
      ? `'${NameOf<Downstream>}' follows '${NameOf<Upstream>}', but is not a ProcessApplication.`
      : Upstream extends AnyApplicationClass
        ? [Follows<Downstream>['type'] & Emits<Upstream>['type']] extends [never]
          ? `'${NameOf<Downstream>}' follows '${NameOf<Upstream>}', but handles none of its events.`
          : [
                Static<Downstream, 'applyPolicyToGeneratedEvents'>,
                Static<Upstream, 'applicationName'>,
              ] extends [true, NameOf<Downstream>]
            ? `'${NameOf<Downstream>}' follows itself, but has applyPolicyToGeneratedEvents.`
            : Downstream
        : Downstream;

type CheckedClass<Class> = Class extends AnyApplicationClass
  ? Class extends new () => unknown
    ? Class extends { readonly applicationName: string }
      ? Class extends { readonly emits: readonly (infer Declared)[] }
        ? Class extends { readonly isProjection: boolean }
          ? CheckedProjection<Class>
          : CheckedDeclaration<Class, Declared>
        : `'${NameOf<Class>}' needs static readonly emits = [...] as const.`
      : "This class needs static readonly applicationName = '...'."
    : `The constructor of '${NameOf<Class>}' must be public and take no arguments.`
  : 'This is not a class that extends Application or ProcessApplication.';

type CheckedProjection<Class> =
  Static<Class, 'schema'> extends number
    ? Static<Class, 'tables'> extends readonly string[]
      ? Static<Class, 'rows'> extends RowsKind<infer Handle>
        ? Class extends abstract new (
            ...args: never
          ) => { read(read: (context: ReadContext<infer Db>) => unknown): unknown }
          ? [Handle] extends [Db]
            ? Class
            : `The rows of '${NameOf<Class>}' have another handle than its type parameter says.`
          : never
        : `'${NameOf<Class>}' needs static readonly rows = sqliteRows or postgresRows.`
      : `'${NameOf<Class>}' needs static readonly tables = ['...'].`
    : `'${NameOf<Class>}' needs static readonly schema = 1.`;

type CheckedDeclaration<Class, Declared> = string extends Declared
  ? `'${NameOf<Class>}' needs static readonly emits = [...] as const.`
  : string extends Emits<Class>['type']
    ? `'${NameOf<Class>}' needs its events as a type parameter, as in Application<OrderEvent>.`
    : [Exclude<Emits<Class>['type'], Declared>] extends [never]
      ? [Exclude<Declared, Emits<Class>['type']>] extends [never]
        ? Static<Class, 'causalDependencies'> extends boolean | undefined
          ? Static<Class, 'applyPolicyToGeneratedEvents'> extends boolean | undefined
            ? CheckedData<Class>
            : `The applyPolicyToGeneratedEvents of '${NameOf<Class>}' must be true or false.`
          : `The causalDependencies of '${NameOf<Class>}' must be true or false.`
        : `The emits of '${NameOf<Class>}' list '${Exclude<Declared, Emits<Class>['type']> & string}', but it has no event of that type.`
      : `The emits of '${NameOf<Class>}' lack '${Exclude<Emits<Class>['type'], Declared> & string}'.`;

type CheckedData<Class> = [TypesWithOtherData<Class>] extends [never]
  ? CheckedSaves<Class>
  : `The emits of '${NameOf<Class>}' define other data of '${TypesWithOtherData<Class>}' than its type parameter: pass EventsOf<typeof ...> there.`;

type TypesWithOtherData<Class> = WithOtherData<
  EventsOf<Static<Class, 'emits'> & readonly string[]>,
  Emits<Class>
>;

/** Types of events whose data in `Defined` is not assignable to that in `Recorded`, nor the other way round. */
type WithOtherData<Defined extends DomainEvent, Recorded extends DomainEvent> = Defined extends unknown
  ? Recorded extends { readonly type: Defined['type'] }
    ? [Defined['data']] extends [Recorded['data']]
      ? never
      : [Recorded['data']] extends [Defined['data']]
        ? never
        : Defined['type']
    : never
  : never;

type CheckedSaves<Class> =
  Static<Class, 'saves'> extends readonly (infer Saved)[]
    ? [Exclude<Saved, Emits<Class>['type']>] extends [never]
      ? Class
      : `The saves of '${NameOf<Class>}' must be types in its emits, as in ['Order.Created'] as const.`
    : Static<Class, 'saves'> extends undefined
      ? Class
      : `The saves of '${NameOf<Class>}' must be an array of types in its emits.`;

/** Type of a static property; undefined if the class has none. */
type Static<Class, Name extends string> = Class extends { readonly [N in Name]: infer Value }
  ? Value
  : undefined;

type AnyApplicationClass = abstract new (...args: never) => Application;

type NameOf<Class> = Class extends { readonly applicationName: infer Name extends string }
  ? string extends Name
    ? 'application'
    : Name
  : 'application';

type Emits<Class> = Class extends abstract new (
  ...args: never
) => { reader(): { read(): Promise<readonly { readonly event: infer E }[]> } }
  ? E extends DomainEvent
    ? E
    : never
  : never;

type Follows<Class> = Class extends abstract new (
  ...args: never
) => ProcessApplication<infer _, infer F>
  ? F
  : never;
