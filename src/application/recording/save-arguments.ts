import { Aggregate } from '../../domain/aggregate.ts';
import { kindOf } from '../../util/errors.ts';
import { InvalidArgumentError } from '../../util/options.ts';
import { isPlainObject, type SaveOptions } from './save-options.ts';

/** What {@link Application.save} is to record. */
export interface SaveArguments {
  readonly aggregates: readonly Aggregate[];
  /** Options that are not checked yet. */
  readonly options: SaveOptions | undefined;
}

/**
 * Reads the arguments of `save()`: aggregates or one array of aggregates, and options if any.
 *
 * @throws {@link InvalidArgumentError} if an argument is no aggregate.
 */
export function saveArguments(args: readonly unknown[], applicationName: string): SaveArguments {
  const last = args.at(-1);
  const hasOptions = args.length > 1 && (last === undefined || isPlainObject(last));
  const given = hasOptions ? args.slice(0, -1) : args;
  const [first] = given;
  const aggregates: readonly unknown[] = given.length === 1 && Array.isArray(first) ? [...first] : given;
  for (const aggregate of aggregates) assertAggregate(aggregate, applicationName);
  return {
    aggregates: aggregates as readonly Aggregate[],
    options: hasOptions ? (last as SaveOptions | undefined) : undefined,
  };
}

function assertAggregate(aggregate: unknown, applicationName: string): void {
  if (aggregate instanceof Aggregate) return;
  const kind = Array.isArray(aggregate) ? 'an array among others: pass one array' : kindOf(aggregate);
  throw new InvalidArgumentError(`save() of application '${applicationName}' takes aggregates, not ${kind}.`);
}
