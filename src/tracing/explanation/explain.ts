import { inspect } from 'node:util';
import type { ApplicationDeclaration } from '../../application/declaration.ts';
import { isStorageDescription, type StorageDescription } from '../../storage/storage.ts';
import type { System } from '../../system/system.ts';
import { kindOf } from '../../util/errors.ts';
import { assertPipelineId } from '../../util/ids.ts';
import { abortSignal, checkedBy, integer } from '../../util/option-rules.ts';
import { InvalidArgumentError, type OptionRules, resolveOptions } from '../../util/options.ts';
import { causeChain } from './cause-chain.ts';
import { effectTree } from './effect-tree.ts';
import { NotificationNotFoundError } from './errors.ts';
import { Explanation } from './explanation.ts';
import { RecordedLogs } from './recorded-logs.ts';

/** Options of {@link explain}. */
export interface ExplainOptions {
  /** Pipeline in whose log the event is. @default 0 */
  readonly pipelineId?: number;
  /** Largest number of levels of causes, and of effects. @default 20 */
  readonly depth?: number;
  /** Largest number of events on each level of effects. The branches of a level get equal shares. @default 50 */
  readonly breadth?: number;
  /** Stops the search. @default none */
  readonly signal?: AbortSignal | undefined;
}

export const explainOptions: OptionRules<ExplainOptions, 'pipelineId' | 'depth' | 'breadth'> = {
  pipelineId: checkedBy(assertPipelineId, 0),
  depth: integer({ least: 0, most: 1_000 }, 20),
  breadth: integer({ least: 1, most: 10_000 }, 50),
  signal: abortSignal(),
};

/**
 * Finds what caused an event and what followed from it, across applications. Only reads, also while the system runs, and
 * shows what was recorded when it was called. The result has no event data, but errors of parked notifications may quote
 * some.
 *
 * @param source A running system, or its storage. A running system also tells which followers have not begun yet.
 * @param application The class or the name of the application that recorded the event.
 * @param notificationId Number of the event in the log of the application.
 * @example
 * await using runner = await run(shop);
 * await runner.get(Orders).place('ada');
 * console.log(String(await explain(runner, Orders, 1)));
 * @throws {@link NotificationNotFoundError} if the log has no such event.
 * @throws {@link UnknownApplicationError} if the storage has no such application.
 * @throws {@link InvalidArgumentError} if an argument has a wrong type.
 * @throws {@link InvalidOptionError} if an option is unknown or has a wrong value.
 * @throws {@link RunnerClosedError} if the runner is closed.
 * @throws {@link StorageError} if the storage fails, or has tables of an earlier release.
 */
export async function explain(
  source: StorageDescription | { readonly storage: StorageDescription; readonly system: System },
  application: string | { readonly applicationName: string },
  notificationId: number,
  options: ExplainOptions = {},
): Promise<Explanation> {
  const { pipelineId, depth, breadth, signal } = resolveOptions(options, explainOptions, 'explain()');
  const parts = partsOf(source);
  const place = { applicationName: nameOf(application), pipelineId, notificationId };
  if (!Number.isSafeInteger(notificationId) || notificationId < 1) {
    throw wrongArgument('a notification id that is an integer >= 1', notificationId);
  }
  await using logs = await RecordedLogs.open({ ...parts, signal });
  const event = await logs.read(place);
  if (event === undefined) throw new NotificationNotFoundError(place, logs.head(place));
  const { causes, origin } = await causeChain(logs, event, depth);
  return new Explanation({ causes, origin, ...(await effectTree(logs, event, { depth, breadth })) });
}

function partsOf(
  source: StorageDescription | { readonly storage: StorageDescription; readonly system: System },
) {
  if (isStorageDescription(source)) return { storage: source, system: undefined };
  const { storage, system } = source ?? {};
  if (!isStorageDescription(storage)) throw wrongArgument('a running system or storage', source);
  return { storage, system };
}

function nameOf(application: unknown): string {
  const name =
    typeof application === 'string'
      ? application
      : (application as Partial<ApplicationDeclaration> | undefined)?.applicationName;
  if (typeof name === 'string') return name;
  throw wrongArgument('the class or the name of an application', application);
}

function wrongArgument(expected: string, value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    `Expected ${expected}, as in explain(runner, Orders, 1), got ${shown(value)}.`,
  );
}

/** Shows classes and numbers; of other values only the kind, because they may contain a password. */
function shown(value: unknown): string {
  return typeof value === 'function' || typeof value === 'number' ? inspect(value) : kindOf(value);
}
