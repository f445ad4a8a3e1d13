import fc from 'fast-check';
import {
  Aggregate,
  Application,
  type DomainEvent,
  defineEvents,
  type EventsOf,
  event,
  memory,
  ProcessApplication,
  run,
  System,
} from 'kahn';
import { expect, test } from 'vitest';
import { assertSound } from '../../support/logs.ts';
import { propertyRuns } from '../../support/seed.ts';

/** An event and the events that follow from it: on a new aggregate, or on that of the event and outside of the log. */
interface Plan {
  readonly isNew: boolean;
  readonly next: readonly Plan[];
}
interface Step {
  readonly path: string;
  readonly next: readonly Plan[];
}

const nodeEvents = defineEvents({
  'Node.Made': event<Step>(),
  'Node.Changed': event<Step>({ notifiable: false }),
});
type NodeEvent = EventsOf<typeof nodeEvents>;
type RootEvent = DomainEvent<'Root.Given', Step>;

class Root extends Aggregate<RootEvent> {}

class Node extends Aggregate<NodeEvent> {
  change(step: Step): void {
    this.trigger('Node.Changed', step);
  }
}

class Roots extends Application<RootEvent> {
  static readonly applicationName = 'roots';
  static readonly emits = ['Root.Given'] as const;
}

/** Paths of all events that were handled, in order. */
const handled: string[] = [];

class Nodes extends ProcessApplication<NodeEvent, RootEvent | NodeEvent> {
  static readonly applicationName = 'nodes';
  static readonly emits = nodeEvents;
  static readonly applyPolicyToGeneratedEvents = true;
  override readonly policy = this.when({}, async ({ type, data, originatorId }, repository) => {
    handled.push(data.path);
    const made: Node[] = [];
    for (const [i, { isNew, next }] of data.next.entries()) {
      const step = { path: `${data.path}${i}`, next };
      if (isNew || type === 'Root.Given') {
        made.push(Node.create('Node.Made', step, repository.deriveId()));
      } else {
        const node = await repository.get(Node, originatorId);
        node.change(step);
      }
    }
    return made;
  });
}

const planOf: (levels?: number) => fc.Arbitrary<Plan> = fc.memo((levels) =>
  fc.record(
    { isNew: fc.boolean(), next: levels > 1 ? fc.array(planOf(), { maxLength: 3 }) : fc.constant([]) },
    { noNullPrototype: true },
  ),
);

/** Returns the paths of a root and all that follows, breadth first, and those of the events in the log. */
function expectedOf(root: Plan, name: string) {
  const queue = [{ ...root, path: name, isLogged: false }];
  for (const { next, path } of queue) {
    const isRoot = path === name;
    for (const [i, one] of next.entries())
      queue.push({ ...one, path: `${path}${i}`, isLogged: isRoot || one.isNew });
  }
  const paths = queue.map(({ path }) => path);
  return { paths, logged: queue.filter(({ isLogged }) => isLogged).map(({ path }) => path) };
}

test('own events are handled breadth first, in batches of any size, and leave the same log', async () => {
  const roots = fc.array(planOf(4), { minLength: 1, maxLength: 5 });
  const property = fc.asyncProperty(roots, fc.constantFrom(1, 2, 500), async (plans, batchSize) => {
    const system = System.of([[Roots, Nodes]]);
    const storage = memory();
    const nameOf = (i: number) => `${'abcde'[i]} `;
    {
      await using given = await system.open(Roots, { storage });
      const all = plans.map(({ next }, i) => Root.create('Root.Given', { path: nameOf(i), next }));
      await given.save(all);
    }
    handled.length = 0;
    const expected = plans.map((one, i) => expectedOf(one, nameOf(i)));
    await using runner = await run(system, { storage, batchSize });
    await runner.caughtUp();
    expect(handled).toEqual(expected.flatMap(({ paths }) => paths));
    const logged: string[] = [];
    const ids = new Set<string>();
    const causes: number[] = [];
    for await (const { event } of runner.get(Nodes).reader()) {
      logged.push(event.data.path);
      ids.add(event.originatorId);
      causes.push(event.cause?.notificationId ?? 0);
    }
    expect(logged).toEqual(expected.flatMap((one) => one.logged));
    expect(ids.size).toBe(logged.length); // each of them is the first event of its aggregate
    expect(causes).toEqual(expected.flatMap((one, i) => one.logged.map(() => i + 1)));
    await assertSound(storage, system);
  });
  await fc.assert(property, propertyRuns(50, 1_000));
});
