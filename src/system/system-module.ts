import { isDeepStrictEqual } from 'node:util';
import { kindInOtherCopy } from '../util/environment/copies.ts';
import { messageOf } from '../util/errors.ts';
import { InvalidSystemError, SystemModuleError } from './errors.ts';
import type { SystemGraph } from './graph.ts';
import { System } from './system.ts';

/** Serializable address from which another thread or process can load a system. */
export interface SystemAddress {
  /** URL of the module that exports the system. */
  readonly module: string;
  readonly name: string;
  /** Graph that the system must have, so that another version of the system is not run by mistake. */
  readonly graph: SystemGraph;
}

/** Whether this thread or process has loaded a system for a runner elsewhere. If so, no runner may start here. */
let isWorker = false;
/** The error of a runner that was started here. */
let refusal: InvalidSystemError | undefined;

/** Returns the address of a system. Throws {@link InvalidSystemError} if the system was defined without `module`. */
export function addressOf({ module, name, graph }: System): SystemAddress {
  if (module !== undefined) return { module, name, graph };
  throw new InvalidSystemError(
    `System '${name}' has no module, so no other thread or process can load it: ` +
      'export it from a module, and define it by System.of([...], { module: import.meta.url }).',
  );
}

/** Loads a system from its address. Throws {@link SystemModuleError}. */
export async function loadSystem({ module, name, graph }: SystemAddress): Promise<System> {
  const all = Object.values(await importModule(module, name));
  const exported = all.filter((one) => one instanceof System);
  // A module may export the same system twice, and copies of it that are bound to storage.
  const systems = [...new Map(exported.map((system) => [system.graph, system])).values()];
  const [found, other] = systems.filter((system) => system.name === name);
  if (found === undefined) throw new SystemModuleError(module, name, notExported(systems, all));
  if (other !== undefined) {
    const what =
      'it exports two systems of this name. Give them different names: System.of([...], { module, name }).';
    throw new SystemModuleError(module, name, what);
  }
  if (!isDeepStrictEqual(found.graph, graph)) {
    const what =
      'the system that it exports by this name has other applications or events than the one that was started.';
    throw new SystemModuleError(module, name, what);
  }
  return found;
}

/** Throws {@link InvalidSystemError} in a thread or process that a runner has started. */
export function assertNotInWorker(): void {
  if (!isWorker) return;
  refusal = new InvalidSystemError(
    'The module of a system, or a module that it imports, started a runner. Worker threads and processes import that ' +
      'module, too, and would start runners again and again. Move the system to a module that starts nothing.',
  );
  throw refusal;
}

async function importModule(module: string, name: string): Promise<Record<string, unknown>> {
  isWorker = true;
  try {
    const exported = await import(/* webpackIgnore: true */ module);
    if (refusal !== undefined) throw refusal; // even if the module caught it or did not await it
    return exported;
  } catch (cause) {
    const advice = loaderAdvice(module, cause);
    const reason = advice === '' ? messageOf(cause) : messageOf(cause).replace(/\.?\s*$/, '.');
    const what = `it cannot be imported: ${reason}${advice}`;
    throw new SystemModuleError(module, name, what, cause);
  }
}

/** Codes of errors that the loader of a test runner or of a program for TypeScript may avoid in the first thread. */
const loaderCodes: readonly unknown[] = [
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
  'ERR_MODULE_NOT_FOUND',
];

/** Explains an error that Node throws for code that a loader accepts. */
function loaderAdvice(module: string, cause: unknown): string {
  const { code, name } = (cause ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  if (!loaderCodes.includes(code) && !(name === 'SyntaxError' && isTypeScript(module))) return '';
  return (
    ' Threads and processes import it with Node alone, where loaders such as those of vitest and tsx have no effect: use ' +
    'file extensions in imports and TypeScript that Node can strip, without enums, or compile it to JavaScript.'
  );
}

function isTypeScript(module: string): boolean {
  return /\.[mc]?tsx?$/.test(module);
}

function notExported(systems: readonly System[], all: readonly unknown[]): string {
  const other = all.map(kindInOtherCopy).find((kind) => kind !== undefined);
  if (systems.length === 0 && other !== undefined) return `it exports ${other}.`;
  if (systems.length === 0)
    return 'it exports no System that was made by the same copy of kahn. Export it by a name.';
  const names = systems.map((system) => `'${system.name}'`).join(', ');
  return `it exports no System of this name, only ${names}.`;
}
