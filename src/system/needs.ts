/**
 * Checks at compile time that a system has the resources that its applications need. The type of a class that needs
 * others becomes a sentence with the reason, which the compiler reports for this class alone.
 */
export type CheckedNeeds<Pipelines extends readonly unknown[], Opened extends object> = {
  [I in keyof Pipelines]: Pipelines[I] extends readonly unknown[]
    ? { [K in keyof Pipelines[I]]: CheckedClass<Pipelines[I][K], Opened> }
    : CheckedClass<Pipelines[I], Opened>;
};

type CheckedClass<Class, Opened extends object> = [Opened] extends [NeededBy<Class>]
  ? Class
  : `'${NameOf<Class>}' needs the resource '${Lacking<NeededBy<Class>, Opened>}': define it with this type in the resources of System.of().`;

/** Names of needed resources that are not defined, or with another type. */
type Lacking<Needed, Opened> = {
  [Name in keyof Needed & string]: Opened extends { readonly [N in Name]: Needed[Name] } ? never : Name;
}[keyof Needed & string];

type NeededBy<Class> = Class extends abstract new (
  ...args: never
) => { readonly resources: infer Needed }
  ? Needed
  : unknown;

type NameOf<Class> = Class extends { readonly applicationName: infer Name extends string }
  ? Name
  : 'application';
