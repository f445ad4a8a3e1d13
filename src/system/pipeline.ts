import type { ApplicationClass } from '../application/application.ts';
import type { ProcessApplication } from '../application/process-application.ts';
import type { DomainEvent } from '../domain/event.ts';

/** Application classes, each of which follows the class before it. A single class is a pipeline of one application. */
export type Pipeline = ApplicationClass | readonly ApplicationClass[];

/** Union of the application classes in some pipelines. */
export type ApplicationsIn<Pipelines extends readonly Pipeline[]> = {
  [I in keyof Pipelines]: Pipelines[I] extends readonly ApplicationClass[]
    ? Pipelines[I][number]
    : Pipelines[I];
}[number] &
  ApplicationClass;

/**
 * Checks pipelines at compile time. The type of an invalid class becomes a sentence with the reason, which the compiler
 * reports.
 */
export type CheckedPipelines<Pipelines extends readonly Pipeline[]> = {
  [I in keyof Pipelines]: Pipelines[I] extends readonly ApplicationClass[]
    ? CheckedPipeline<Pipelines[I]>
    : CheckedClass<Pipelines[I]>;
};

type CheckedPipeline<Classes extends readonly ApplicationClass[]> = Classes extends readonly []
  ? 'A pipeline needs at least one application.'
  : number extends Classes['length'] // the length is known at run time only, when it is checked
    ? Classes
    : { [I in keyof Classes]: CheckedClass<Classes[I]> } & CheckedFollowers<Classes>;

type CheckedFollowers<
  Classes extends readonly unknown[],
  Done extends readonly unknown[] = [unknown],
> = Classes extends readonly [infer Upstream, infer Downstream, ...infer Rest]
  ? CheckedFollowers<[Downstream, ...Rest], [...Done, CheckedFollower<Upstream, Downstream>]>
  : Done;

type CheckedFollower<Upstream, Downstream> =
  Follows<Downstream> extends never
    ? `'${NameOf<Downstream>}' follows '${NameOf<Upstream>}', but is not a ProcessApplication.`
    : [Follows<Downstream>['type'] & Emits<Upstream>['type']] extends [never]
      ? `'${NameOf<Downstream>}' follows '${NameOf<Upstream>}', but handles none of its events.`
      : Downstream;

type CheckedClass<Class> = Class extends { readonly emits: readonly (infer Declared)[] }
  ? string extends Declared
    ? `'${NameOf<Class>}' needs static readonly emits = [...] as const.`
    : [Exclude<Emits<Class>['type'], Declared>] extends [never]
      ? Class
      : string extends Emits<Class>['type']
        ? `'${NameOf<Class>}' needs its events as a type parameter, as in Application<OrderEvent>.`
        : `The emits of '${NameOf<Class>}' lack '${Exclude<Emits<Class>['type'], Declared> & string}'.`
  : never;

type NameOf<Class> = Class extends { readonly applicationName: infer Name extends string }
  ? Name
  : 'application';

type Emits<Class> = Class extends new () => {
  reader(): { read(): Promise<readonly { readonly event: infer E }[]> };
}
  ? E extends DomainEvent
    ? E
    : never
  : never;

type Follows<Class> = Class extends new () => ProcessApplication<infer _, infer F> ? F : never;
