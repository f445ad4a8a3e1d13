import { Aggregate, type AggregateClass, aggregateInternals } from '../../domain/aggregate.ts';
import { NotEncodableError } from '../../storage/codec/errors.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import type { StoredSnapshot } from '../../storage/stored-event.ts';
import { isInstance, messageOf } from '../../util/errors.ts';
import { integer } from '../../util/option-rules.ts';
import { assertOption } from '../../util/options.ts';
import { NotSealedError } from '../personal/not-sealed-error.ts';
import { classIdentityOf } from './class-identity.ts';
import { publishSkipped } from './diagnostics.ts';
import { SnapshotNotEncodableError } from './errors.ts';
import { type PrivateField, privateFieldOf } from './private-state.ts';
import { type Difference, differenceOf } from './state-difference.ts';

const snapshotEveryRule = integer({ least: 1 });

/** Private fields by class: undefined for classes whose fields a snapshot sees. */
const privateFields = new WeakMap<object, PrivateField | undefined>();

/** Takes and restores snapshots of one application's aggregates. Each snapshot is restored and compared before it is recorded. */
export class Snapshots {
  readonly #mapper: EventMapper;
  readonly #pipelineId: number;
  /** Classes of which a state was tried. */
  readonly #tried = new WeakSet<object>();

  constructor(mapper: EventMapper, pipelineId: number) {
    this.#mapper = mapper;
    this.#pipelineId = pipelineId;
  }

  /**
   * Takes the snapshots of aggregates whose pending events pass a multiple of `snapshotEvery`. A state that cannot be
   * restored exactly is skipped and published, so that it stops no save.
   *
   * @throws {@link SnapshotNotEncodableError} if a class has private fields, or if the first aggregate of a class is new and
   * its state cannot be restored exactly.
   */
  due(aggregates: readonly Aggregate[]): StoredSnapshot[] {
    const due: StoredSnapshot[] = [];
    for (const aggregate of aggregates) {
      const aggregateClass = classOf(aggregate);
      const every = aggregateClass.snapshotEvery;
      if (every === undefined || aggregateInternals.isDiscarded(aggregate)) continue;
      assertOption('snapshotEvery', every, snapshotEveryRule, `class ${aggregateClass.name}`);
      const before = aggregate.version - aggregateInternals.pending(aggregate).length;
      if (before === aggregate.version) continue;
      const isDue = Math.floor(aggregate.version / every) > Math.floor(before / every);
      const isFirst = !this.#tried.has(aggregateClass);
      if (!isDue && !isFirst) continue;
      this.assertClass(aggregateClass);
      const snapshot = this.#tryToTake(aggregate, isFirst && before === 0);
      if (isFirst) this.#tried.add(aggregateClass);
      if (snapshot !== undefined && isDue) due.push(snapshot);
    }
    return due;
  }

  /** Encodes the state of an aggregate. Throws {@link SnapshotNotEncodableError} if it cannot be restored exactly. */
  take(aggregate: Aggregate): StoredSnapshot {
    const aggregateClass = classOf(aggregate);
    this.assertClass(aggregateClass);
    const { id: originatorId, version: originatorVersion } = aggregate;
    const state =
      classIdentityOf(aggregateClass, originatorId, this.#mapper.upcasts) + this.#exactText(aggregate);
    return { originatorId, originatorVersion, schema: aggregateClass.snapshotSchema, state };
  }

  /** Throws {@link SnapshotNotEncodableError} if a class has private fields that its snapshots do not hold. */
  assertClass(aggregateClass: AggregateClass<Aggregate>): void {
    const field = knownPrivateFieldOf(aggregateClass);
    if (field === undefined) return;
    const failure = { className: aggregateClass.name, originatorId: undefined, path: field.name };
    const owner = field.className === aggregateClass.name ? '' : ` of ${field.className}`;
    throw this.#error(
      failure,
      `A snapshot does not see the private ${field.name.startsWith('#') ? 'field' : 'state'} ${field.name}${owner}; override snapshot() and restore() in ` +
        `${field.className}, or make it a plain field.`,
    );
  }

  /**
   * Restores an aggregate that has no events yet. Returns false if the snapshot is of another class or schema, or cannot be
   * restored.
   */
  restore(aggregate: Aggregate, { originatorVersion, schema, state }: StoredSnapshot): boolean {
    const aggregateClass = classOf(aggregate);
    if (schema !== aggregateClass.snapshotSchema || knownPrivateFieldOf(aggregateClass) !== undefined)
      return false;
    const identity = classIdentityOf(aggregateClass, aggregate.id, this.#mapper.upcasts);
    if (!state.startsWith(identity)) return false;
    try {
      aggregateInternals.restore(
        aggregate,
        this.#mapper.toState(state.slice(identity.length)),
        originatorVersion,
      );
      return true;
    } catch {
      return false;
    }
  }

  /** Publishes that a snapshot is not recorded. */
  skip(
    { originatorId, originatorVersion }: Pick<StoredSnapshot, 'originatorId' | 'originatorVersion'>,
    error: unknown,
  ): void {
    const { applicationName } = this.#mapper;
    const pipelineId = this.#pipelineId;
    publishSkipped({ applicationName, pipelineId, originatorId, originatorVersion, error });
  }

  #tryToTake(aggregate: Aggregate, mustSucceed: boolean): StoredSnapshot | undefined {
    try {
      return this.take(aggregate);
    } catch (error) {
      if (mustSucceed || isInstance(error, NotSealedError)) throw error;
      const { id: originatorId, version: originatorVersion } = aggregate;
      this.skip({ originatorId, originatorVersion }, error);
      return undefined;
    }
  }

  /** Encodes the state, and restores another aggregate from the text to compare it. */
  #exactText(aggregate: Aggregate): string {
    const aggregateClass = classOf(aggregate);
    const failure = { className: aggregateClass.name, originatorId: aggregate.id };
    const remedy = 'Or override snapshot() and restore().';
    let difference: Difference | undefined;
    try {
      const state = aggregateInternals.snapshot(aggregate);
      const text = this.#mapper.toStoredState(state);
      const restored = new aggregateClass(aggregate.id);
      aggregateInternals.restore(restored, this.#mapper.toState(text), aggregate.version);
      difference = differenceOf(aggregate, restored) ?? differenceIn(state, restored);
      if (difference === undefined) return text;
    } catch (cause) {
      if (isInstance(cause, NotSealedError)) throw cause;
      const path = isInstance(cause, NotEncodableError) ? cause.path : '';
      throw this.#error({ ...failure, path }, `${sentence(messageOf(cause))} ${remedy}`, cause);
    }
    const { path, reason } = difference;
    throw this.#error({ ...failure, path }, `Cannot restore ${path}: ${reason}. ${remedy}`);
  }

  #error(
    failure: Omit<ConstructorParameters<typeof SnapshotNotEncodableError>[0], 'applicationName'>,
    reason: string,
    cause?: unknown,
  ): SnapshotNotEncodableError {
    return new SnapshotNotEncodableError(
      { ...failure, applicationName: this.#mapper.applicationName },
      reason,
      cause,
    );
  }
}

/** Compares what `snapshot()` returned with what it returns for a restored aggregate, which may show private state. */
function differenceIn(snapshot: unknown, restored: Aggregate): Difference | undefined {
  if (!overridesSnapshot(restored)) return undefined;
  return differenceOf({ snapshot }, { snapshot: aggregateInternals.snapshot(restored) });
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function overridesSnapshot(aggregate: Aggregate): boolean {
  return Reflect.get(aggregate, 'snapshot') !== Reflect.get(Aggregate.prototype, 'snapshot');
}

function knownPrivateFieldOf(aggregateClass: AggregateClass<Aggregate>): PrivateField | undefined {
  if (!privateFields.has(aggregateClass)) privateFields.set(aggregateClass, privateFieldOf(aggregateClass));
  return privateFields.get(aggregateClass);
}

function classOf(aggregate: Aggregate): AggregateClass<Aggregate> {
  return aggregate.constructor as AggregateClass<Aggregate>;
}
