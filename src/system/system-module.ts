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

/** Set while a system's module is being imported to be run elsewhere, when nothing may be started. */
let importing = false;

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
  const exported = await importModule(module, name);
  const systems = new Set(Object.values(exported).filter((value) => value instanceof System));
  const [found, other] = [...systems].filter((system) => system.name === name);
  if (found === undefined) throw new SystemModuleError(module, name, notThere([...systems]));
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

/** Throws {@link InvalidSystemError} while a system's module is being imported by a thread or process of a runner. */
export function assertNotImporting(): void {
  if (!importing) return;
  throw new InvalidSystemError(
    'A module that defines a system started a runner while it was imported to be run in another thread or process, ' +
      'where it would start again and again. Move the system to a module of its own.',
  );
}

async function importModule(module: string, name: string): Promise<Record<string, unknown>> {
  importing = true;
  try {
    return await import(module);
  } catch (cause) {
    const what = `it cannot be imported: ${messageOf(cause)}`;
    throw new SystemModuleError(module, name, what, { cause });
  } finally {
    importing = false;
  }
}

function notThere(systems: readonly System[]): string {
  if (systems.length === 0)
    return 'it exports no System (made by the same copy of kahn). Export it by a name.';
  const names = systems.map((system) => `'${system.name}'`).join(', ');
  return `it exports no System of this name, but ${names}.`;
}
