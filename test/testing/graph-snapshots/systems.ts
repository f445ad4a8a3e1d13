import { type ApplicationClass, ProcessApplication, Projection, System } from 'kahn';
import { sqliteRows } from 'kahn/sqlite';

/** Declares an application that handles some types of events. */
export function application(
  applicationName: string,
  emits: readonly string[],
  handles: readonly string[] = [],
  declared: object = {},
): ApplicationClass {
  class Declared extends ProcessApplication {
    static readonly applicationName = applicationName;
    static readonly emits = emits;
    override readonly policy = this.when(Object.fromEntries(handles.map((type) => [type, () => {}])));
  }
  return Object.assign(Declared, declared) as unknown as ApplicationClass;
}

/** Declares a projection that handles some types of events. */
export function projection(
  applicationName: string,
  schema: number,
  handles: readonly string[],
): ApplicationClass {
  class Declared extends Projection {
    static readonly applicationName = applicationName;
    static readonly schema = schema;
    static readonly tables = ['rows'];
    static readonly rows = sqliteRows;
    override create(): void {}
    override readonly policy = this.project(Object.fromEntries(handles.map((type) => [type, () => {}])));
  }
  return Declared as unknown as ApplicationClass;
}

/** `System.of()` for pipelines whose events are not known to the compiler. */
export const systemOf: (pipelines: readonly (ApplicationClass | readonly ApplicationClass[])[]) => System = (
  pipelines,
) => System.of(pipelines as never, { name: 'sales' });
