import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../util/errors.ts';
import { InvalidSystemError, SystemModuleError } from './errors.ts';
import type { SystemGraph } from './graph.ts';
import { System } from './system.ts';

/** By what another thread or process finds a system again: classes cannot be sent there. */
export interface SystemAddress {
  readonly module: string;
  readonly name: string;
  /** What the system must look like, so that nobody runs another one by mistake. */
  readonly graph: SystemGraph;
}

/** Set in a thread or process that runs a system for another one, as long as it lives: nothing may be started there. */
let isElsewhere = false;
/** What was refused there. */
let refusal: InvalidSystemError | undefined;

/** Throws {@link InvalidSystemError} if it cannot be found by its module. */
export function addressOf({ module, name, graph }: System): SystemAddress {
  if (module !== undefined) return { module, name, graph };
  throw new InvalidSystemError(
    `System '${name}' does not say where it is, so no other thread or process can find it: ` +
      'export it from a module, and define it by System.of([...], { module: import.meta.url }).',
  );
}

/** Finds a system again. Throws {@link SystemModuleError}. */
export async function findSystem({ module, name, graph }: SystemAddress): Promise<System> {
  const exported = Object.values(await importModule(module, name)).filter((one) => one instanceof System);
  // The same system may be exported more than once, and copies of it that are bound to storage.
  const systems = [...new Map(exported.map((system) => [system.graph, system])).values()];
  const [found, other] = systems.filter((system) => system.name === name);
  if (found === undefined) throw new SystemModuleError(module, name, notThere(systems));
  if (other !== undefined) {
    const what = 'it exports two systems of this name. Give them names: System.of([...], { module, name }).';
    throw new SystemModuleError(module, name, what);
  }
  if (!isDeepStrictEqual(found.graph, graph)) {
    const what =
      'what it exports by this name has other applications or events than the one that was started.';
    throw new SystemModuleError(module, name, what);
  }
  return found;
}

/** Throws {@link InvalidSystemError} in a thread or process that a runner has started. */
export function assertNotElsewhere(): void {
  if (!isElsewhere) return;
  refusal = new InvalidSystemError(
    'A module that defines a system, or code of it, started a runner in a thread or process that another runner has ' +
      'started, where it would start again and again. Move the system to a module of its own.',
  );
  throw refusal;
}

async function importModule(module: string, name: string): Promise<Record<string, unknown>> {
  isElsewhere = true;
  try {
    const exported = await import(module);
    if (refusal !== undefined) throw refusal; // even if the module has caught it, or not waited for it
    return exported;
  } catch (cause) {
    const what = `it cannot be imported: ${messageOf(cause)}`;
    throw new SystemModuleError(module, name, what, cause);
  }
}

function notThere(systems: readonly System[]): string {
  if (systems.length === 0)
    return 'it exports no System (made by the same copy of kahn). Export it by a name.';
  const names = systems.map((system) => `'${system.name}'`).join(', ');
  return `it exports no System of this name, but ${names}.`;
}
