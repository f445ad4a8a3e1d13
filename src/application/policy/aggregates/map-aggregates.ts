import { type Aggregate, type AggregateClass, aggregateInternals } from '../../../domain/aggregate.ts';
import type { DomainEvent } from '../../../domain/event.ts';
import { assertClassAndId } from '../../recording/aggregate-loader.ts';
import type { PolicyCall } from '../current-policy.ts';
import { AggregateViews } from './aggregate-views.ts';
import { isUnrecorded, type PolicyAggregates, restoreEvents, triggeredAfter } from './policy-aggregates.ts';

/** Aggregates of a policy that is called directly, in a test. */
export class MapAggregates implements PolicyAggregates {
  readonly #byId: Map<string, Aggregate>;
  readonly #returned = new Set<Aggregate>();
  /** Ids of the aggregates that handlers could change since {@link takeTriggered}. */
  readonly #lentIds = new Set<string>();

  constructor(byId: Map<string, Aggregate>) {
    this.#byId = byId;
  }

  find<A extends Aggregate>(aggregateClass: AggregateClass<A>, id: string): A | undefined {
    const aggregate = this.#at(id);
    if (aggregate instanceof aggregateClass) return aggregate;
    assertClassAndId(aggregateClass, id);
    return undefined;
  }

  /** Aggregates that handlers returned. */
  get returned(): readonly Aggregate[] {
    return [...this.#returned];
  }

  lend({ id }: Aggregate): void {
    this.#lentIds.add(id);
  }

  add(aggregate: Aggregate): void {
    this.#returned.add(aggregate);
    this.#lentIds.add(aggregate.id);
  }

  has(aggregate: Aggregate): boolean {
    return this.#returned.has(aggregate) || this.#byId.get(aggregate.id) === aggregate;
  }

  /** Puts new objects into the Map for the aggregates that the attempt changed. */
  async undo(attempt: PolicyCall, after: number): Promise<void> {
    const tried = new Set(attempt.changed);
    for (const aggregate of new Set([...this.#byId.values(), ...tried])) {
      this.#undo(attempt, after, tried, aggregate);
    }
  }

  settle(): void {}

  release(): void {}

  takeTriggered(after: number): readonly DomainEvent[] {
    const changed = [...this.#lentIds].flatMap((id) => this.#at(id) ?? []);
    this.#lentIds.clear();
    return triggeredAfter(after, changed);
  }

  /** Returns the aggregate in the Map or, if handlers run one after the other, one that an earlier handler returned. */
  #at(id: string): Aggregate | undefined {
    return this.#byId.get(id) ?? this.#returned.values().find((aggregate) => aggregate.id === id);
  }

  #undo(attempt: PolicyCall, after: number, tried: ReadonlySet<Aggregate>, aggregate: Aggregate): void {
    if (aggregateInternals.isUndone(aggregate)) return; // by an attempt inside of this one
    const { id } = aggregate;
    const canRebuild = isUnrecorded(aggregate);
    const views = new AggregateViews(attempt.applicationName);
    views.add(aggregate);
    const [lost] = views.undo(attempt, after, tried);
    if (!aggregateInternals.isUndone(aggregate)) return;
    if (!canRebuild) {
      throw attempt.failWith(
        `The policy of '${attempt.applicationName}' changed ${aggregate.constructor.name} '${id}' in an attempt that ` +
          'failed, and a direct call cannot undo that, because its earlier events are recorded and not in memory. ' +
          'Pass an aggregate that the test has created, or test with a runner.',
      );
    }
    if (lost === undefined) return;
    const rebuilt = new lost.aggregateClass(id);
    restoreEvents(rebuilt, lost.kept, lost.kept);
    if (this.#returned.delete(aggregate)) this.#returned.add(rebuilt);
    else this.#byId.set(id, rebuilt);
  }
}
