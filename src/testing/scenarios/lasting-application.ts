import type { Application, ApplicationClass } from '../../application/application.ts';
import { isPlainObject } from '../../application/recording/save-options.ts';
import { newId } from '../../util/ids.ts';

/** Makes a call with the open application, and repeats it with the next one if the runner is replaced meanwhile. */
export type Steadily = <T>(call: (application: Application) => Promise<T>) => Promise<T>;

/** A command of a scenario. */
export interface ScenarioCall {
  readonly applicationName: string;
  readonly method: string;
}

type Method = (...args: readonly unknown[]) => Promise<unknown>;

/** Methods that read or write the storage, apart from commands. */
const storageMethods = ['takeSnapshot', 'forgetKeys', 'read', 'readRows'];
const prepared = new WeakSet<Application>();

/**
 * Returns an object that stands for the open application of a class, whichever runner it belongs to. Methods of the class run
 * with the application that is open when they are called; their saves and reads are repeated if the runner is replaced.
 *
 * @param underway Holds the calls that have not returned.
 */
export function lastingApplication<A extends ApplicationClass>(
  kind: A,
  current: () => Application,
  steadily: Steadily,
  underway: Set<ScenarioCall>,
): InstanceType<A> {
  const { applicationName } = kind;
  const open = () => withLastingCalls(current(), steadily);
  return new Proxy(Object.create(kind.prototype) as InstanceType<A>, {
    get(_, name) {
      const application = open();
      if (name === 'log') return lastingReader(application, name, steadily);
      const value: unknown = Reflect.get(application, name, application);
      if (typeof value !== 'function' || name === 'constructor') return value;
      return (...args: unknown[]) =>
        noted(value.apply(application, args), { applicationName, method: String(name) }, underway);
    },
    set: (_, name, value) => Reflect.set(open(), name, value),
    has: (_, name) => name in open(),
  });
}

/** Notes that a call is under way, until its result settles. */
function noted(result: unknown, call: ScenarioCall, underway: Set<ScenarioCall>): unknown {
  if (!(result instanceof Promise)) return result;
  underway.add(call);
  return result.finally(() => underway.delete(call));
}

/** Covers the methods that an application inherits from kahn by calls that are repeated if the runner is replaced. */
function withLastingCalls(application: Application, steadily: Steadily): Application {
  if (prepared.has(application)) return application;
  prepared.add(application);
  const define = (name: string, property: PropertyDescriptor) =>
    Object.defineProperty(application, name, { ...property, configurable: true });
  define('save', { value: savingOnce(steadily) });
  define('update', { value: updatingOnce(steadily) });
  for (const name of storageMethods) {
    if (!(name in application)) continue;
    define(name, { value: (...args: unknown[]) => steadily((one) => inherited(one, name)(...args)) });
  }
  define('repository', { get: () => lastingReader(application, 'repository', steadily) });
  return application;
}

/** Returns `save()` with an idempotency key, so that a repeated save is recorded once. */
function savingOnce(steadily: Steadily): Method {
  return (...args) => {
    const last = args.at(-1);
    const hasOptions = args.length > 1 && isPlainObject(last);
    const options = { idempotencyKey: newId(), ...(hasOptions && last) };
    const aggregates = hasOptions || (args.length > 1 && last === undefined) ? args.slice(0, -1) : args;
    return steadily((one) => inherited(one, 'save')(...aggregates, options));
  };
}

/** Returns `update()` with an idempotency key. The result need not be plain data: it is kept here, not in the storage. */
function updatingOnce(steadily: Steadily): Method {
  return async (aggregateClass, id, change, options) => {
    let result: unknown;
    const noted =
      typeof change === 'function'
        ? async (aggregate: unknown) => {
            result = await change(aggregate);
          }
        : change;
    const once = { idempotencyKey: newId(), ...(options as object | undefined) };
    const saved = await steadily((one) => inherited(one, 'update')(aggregateClass, id, noted, once));
    return { ...(saved as object), result };
  };
}

/** Returns an object whose methods call those of a property of the open application. */
function lastingReader(application: Application, name: string, steadily: Steadily): unknown {
  const reader = Reflect.get(Object.getPrototypeOf(application), name, application) as object; // throws in a policy
  return new Proxy(reader, {
    get(_, method) {
      const value: unknown = Reflect.get(reader, method, reader);
      if (typeof value !== 'function' || method === 'constructor') return value;
      return (...args: unknown[]) =>
        steadily(async (one) => {
          const now = Reflect.get(Object.getPrototypeOf(one), name, one) as object;
          return (Reflect.get(now, method, now) as Method).apply(now, args);
        });
    },
  });
}

/** Returns a method of an application as its class has it. */
function inherited(application: Application, name: string): Method {
  const method = Reflect.get(Object.getPrototypeOf(application), name, application) as Method;
  return method.bind(application);
}
