import { KahnError } from '../../util/errors.ts';

/** Types of events that a log holds and its application does not declare. */
export interface UndeclaredTypes {
  readonly applicationName: string;
  readonly pipelineId: number;
  /** Types as they are stored, most frequent first: version 2 of a type ends in `@2`. At most 100. */
  readonly types: readonly { readonly type: string; readonly count: number }[];
}

/** Number of types that a message lists for each log, and number of logs. */
const listed = 10;

/** The logs of a system hold events of types that no application declares, and the option `undeclaredEvents` is 'refuse'. */
export class UndeclaredTypesError extends KahnError {
  override readonly code = 'UNDECLARED_TYPES';
  /** The types, by application and pipeline. */
  declare readonly undeclared: readonly UndeclaredTypes[];

  /** @internal */
  constructor(undeclared: readonly UndeclaredTypes[]) {
    super(`${textOf(undeclared)} The option undeclaredEvents: 'warn' lets the system start.`, { undeclared });
  }
}

/** Returns a message that lists the types, and says what to do. */
export function textOf(undeclared: readonly UndeclaredTypes[]): string {
  return (
    `The logs of this system hold events of types that their applications do not declare:\n- ` +
    `${limited(undeclared.map(lineOf), '\n- ', 'more logs')}\n` +
    'Aggregates with such events cannot be loaded, and followers wait at such notifications. Start the version of the ' +
    'system that records them, or declare the types: in `emits`, or as `former` types of defineEvents().'
  );
}

function lineOf({ applicationName, pipelineId, types }: UndeclaredTypes): string {
  const texts = types.map(({ type, count }) => `'${type}' (${count})`);
  return `'${applicationName}', pipeline ${pipelineId}: ${limited(texts, ', ', 'more types')}`;
}

function limited(texts: readonly string[], separator: string, rest: string): string {
  const others = texts.length > listed ? [`${texts.length - listed} ${rest}`] : [];
  return [...texts.slice(0, listed), ...others].join(separator);
}
