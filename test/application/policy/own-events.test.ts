import {
  Aggregate,
  Application,
  type DomainEvent,
  InvalidApplicationError,
  InvalidSystemError,
  memory,
  PolicyError,
  PolicyLoopError,
  type PolicyRepository,
  ProcessApplication,
  type RecordedEvent,
  run,
  System,
} from 'kahn';
import { expect, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import {
  Notes,
  numbersFor,
  Order,
  Orders,
  parcels,
  Stock,
} from '../../support/systems/event-options/parcels.ts';

type WorkEvent = DomainEvent<'Work.Asked', { size: number; at?: Date }>;
type TaskEvent =
  | DomainEvent<'Task.Made', { size: number; at?: Date | undefined }>
  | DomainEvent<'Task.Done', { size: number }>;
type AnyEvent = WorkEvent | TaskEvent;
type Handler = (event: RecordedEvent<AnyEvent>, repository: PolicyRepository<TaskEvent>) => unknown;

class Work extends Aggregate<WorkEvent> {}

class Task extends Aggregate<TaskEvent> {
  size = 0;
  isDone = false;

  static make(size: number, id: string, at?: Date): Task {
    return Task.create('Task.Made', { size, at }, id);
  }

  finish(): void {
    this.trigger('Task.Done', { size: this.size });
  }

  protected override apply({ type, data }: TaskEvent): void {
    this.size = data.size;
    if (type === 'Task.Done') this.isDone = true;
  }
}

class Works extends Application<WorkEvent> {
  static readonly applicationName = 'works';
  static readonly emits = ['Work.Asked'] as const;
}

/** Returns an application whose policy consists of some handlers, and handles its own events. */
function tasksWith(handlers: { readonly [type: string]: Handler }) {
  return class Tasks extends ProcessApplication<TaskEvent, AnyEvent> {
    static readonly applicationName = 'tasks';
    static readonly emits = ['Task.Made', 'Task.Done'] as const;
    static readonly applyPolicyToGeneratedEvents: boolean = true;
    override readonly policy = this.when(handlers as never);
  };
}

/** Runs a system of works and tasks on some works, all read in one batch, and returns the log of the tasks. */
async function logOf(handlers: Parameters<typeof tasksWith>[0], ...sizes: readonly number[]) {
  const Tasks = tasksWith(handlers);
  const system = System.of([[Works, Tasks]], { types: [] });
  const storage = memory();
  {
    await using works = await system.open(Works, { storage });
    const options = { correlationId: 'c-1', metadata: { user: 'ada' } };
    await works.save(
      sizes.map((size, i) => Work.create('Work.Asked', { size }, `w-${i}`)),
      options,
    );
  }
  await using runner = await run(system, { storage });
  await runner.caughtUp();
  const events: RecordedEvent<TaskEvent>[] = [];
  for await (const { event } of runner.get(Tasks).reader()) events.push(event);
  return events;
}

const asked = (size: number) =>
  ({
    type: 'Work.Asked',
    data: { size },
    originatorId: 'w-0',
    originatorVersion: 1,
    timestamp: 1_000,
  }) as never;

/** Splits a work into a binary tree of tasks, each of which is done after its parts are made. */
const splitting: Parameters<typeof tasksWith>[0] = {
  'Work.Asked': ({ data }, repository) => Task.make(data.size, repository.deriveId()),
  'Task.Made': async ({ data, originatorId }, repository) => {
    const task = await repository.get(Task, originatorId);
    task.finish();
    if (data.size < 2) return undefined;
    const parts = [Math.ceil(data.size / 2), Math.floor(data.size / 2)];
    return parts.map((size) => Task.make(size, repository.deriveId()));
  },
};

test('a policy handles the events that it makes, first in first out, before the next notification', async () => {
  const events = await logOf(splitting, 3, 1);
  expect(events.map(({ type, data }) => `${type} ${data.size}`)).toEqual([
    'Task.Made 3',
    'Task.Done 3',
    'Task.Made 2',
    'Task.Made 1',
    'Task.Done 2',
    'Task.Made 1',
    'Task.Made 1',
    'Task.Done 1',
    'Task.Done 1',
    'Task.Done 1',
    'Task.Made 1',
    'Task.Done 1',
  ]);
});

test('all events name the notification that started them, with its correlation id and metadata', async () => {
  const seen: unknown[] = [];
  const events = await logOf(
    {
      ...splitting,
      'Task.Done': ({ cause, correlationId, metadata }) => void seen.push({ cause, correlationId, metadata }),
    },
    2,
    1,
  );
  const from = (notificationId: number) => ({
    cause: { applicationName: 'works', pipelineId: 0, notificationId },
    correlationId: 'c-1',
    metadata: { user: 'ada' },
  });
  expect(events.map(({ cause }) => cause?.notificationId)).toEqual([1, 1, 1, 1, 1, 1, 2, 2]);
  expect(seen).toEqual([from(1), from(1), from(1), from(2)]);
  expect(events).toMatchObject([...Array(6).fill(from(1)), from(2), from(2)]);
});

test('own events get the metadata that is carried on, and an error of carryMetadata has its own name', async () => {
  const seen: unknown[] = [];
  const Tasks = tasksWith({ ...splitting, 'Task.Done': ({ metadata }) => void seen.push(metadata) });
  for (const carried of [{ trace: 't-1' }, undefined, 'none']) {
    const carryMetadata = () => carried as never;
    const system = System.of([[Works, Tasks]], { carryMetadata });
    await using runner = await run(system);
    const saving = runner
      .get(Works)
      .save(Work.create('Work.Asked', { size: 1 }), { metadata: { user: 'ada' } });
    if (carried !== 'none') await saving;
    else
      await expect(saving).rejects.toThrow(
        "Option `carryMetadata` of application 'tasks' failed on notification 1",
      );
  }
  expect(seen).toEqual([{ trace: 't-1' }, undefined]);
});

test('derived ids are distinct, and the same when a notification is handled again', async () => {
  const ids: string[][] = [];
  const events = await logOf(
    {
      ...splitting,
      'Work.Asked': ({ data }, repository) => {
        ids.push([]);
        return Task.make(data.size, repository.deriveId());
      },
      'Task.Done': async ({ originatorId, data }) => {
        ids.at(-1)?.push(originatorId);
        if (ids.length > 1 || data.size > 1) return;
        await new Promise((resolve) => setTimeout(resolve, 5)); // so that events get another time
        throw new Error('the first try fails');
      },
    },
    5,
    1,
  );
  expect(ids.map(({ length }) => length)).toEqual([5, 9, 1]); // the batch failed, so each of its notifications is alone
  const [failed, repeated = [], other = []] = ids;
  expect(repeated.slice(0, 5)).toEqual(failed);
  expect(new Set([...repeated, ...other]).size).toBe(10);
  expect(new Set(events.map(({ originatorId }) => originatorId))).toEqual(new Set([...repeated, ...other]));
});

test('a handler gets the object that an earlier one has made or changed', async () => {
  const versions: number[] = [];
  await logOf(
    {
      'Work.Asked': (_, repository) => Task.make(1, repository.deriveId()),
      'Task.Made': async ({ originatorId }, repository) =>
        (await repository.get(Task, originatorId)).finish(),
      'Task.Done': async ({ originatorId }, repository) => {
        const task = await repository.get(Task, originatorId);
        versions.push(task.version);
        if (task.version < 4) task.finish();
      },
    },
    1,
  );
  expect(versions).toEqual([2, 3, 4]);
});

test('events of a failed attempt are not handled', async () => {
  const seen: string[] = [];
  const events = await logOf(
    {
      'Work.Asked': (_, repository) => Task.make(1, repository.deriveId()),
      'Task.Made': async ({ originatorId }, repository) => {
        await repository
          .attempt(async () => {
            (await repository.get(Task, originatorId)).finish();
            throw new Error('no');
          })
          .catch(() => {});
        (await repository.get(Task, originatorId)).finish();
      },
      'Task.Done': ({ originatorVersion }) => void seen.push(`done ${originatorVersion}`),
    },
    1,
  );
  expect(seen).toEqual(['done 2']);
  expect(events.map(({ type }) => type)).toEqual(['Task.Made', 'Task.Done']);
});

test('a handler cannot change the data that is recorded', async () => {
  const at = new Date(86_400_000);
  const events = await logOf(
    {
      'Work.Asked': (_, repository) => Task.make(1, repository.deriveId(), at),
      'Task.Made': ({ data }) => void (data as { at: Date }).at.setTime(0),
    },
    1,
  );
  expect(events).toMatchObject([{ data: { at } }]);
});

test('a policy that answers itself without an end fails, and nothing is recorded', async () => {
  const endless: Parameters<typeof tasksWith>[0] = {
    'Work.Asked': ({ data }, repository) => (data.size > 1 ? Task.make(1, repository.deriveId()) : undefined),
    'Task.Made': async ({ originatorId }, repository) => (await repository.get(Task, originatorId)).finish(),
    'Task.Done': async ({ originatorId }, repository) => (await repository.get(Task, originatorId)).finish(),
  };
  const error = await rejectionOf(logOf(endless, 1, 2), Error);
  const { failures } = error as unknown as { failures: ReadonlyMap<string, PolicyError> };
  const failure = failures.get('tasks');
  expect(failure).toBeInstanceOf(PolicyError);
  expect(failure).toMatchObject({ upstreamName: 'works', notificationId: 2 });
  expect(failure?.cause).toBeInstanceOf(PolicyLoopError);
  expect(failure?.cause).toMatchObject({ applicationName: 'tasks', eventTypes: ['Task.Done'] });
  expect(failure?.message).toContain(
    "The policy of 'tasks' handled 10000 of its own events for one notification and made more of them. The last ones are " +
      "of 'Task.Done': end this series in a handler.",
  );
  const Tasks = tasksWith(endless);
  await rejectionOf(new Tasks().policy(asked(2)), PolicyLoopError);
});

test('an error names the handler that failed and the notification', async () => {
  const failing: Parameters<typeof tasksWith>[0] = {
    ...splitting,
    'Task.Done': () => {
      throw new RangeError('not that');
    },
  };
  const error = await rejectionOf(logOf(failing, 1), Error);
  expect(error.message).toContain(
    "The handler of own event 'Task.Done' of application 'tasks' failed on notification 1 of 'works' ('Work.Asked' of " +
      "aggregate 'w-0'): not that",
  );
});

test('a direct call with a Map handles the same events, with the new aggregates of earlier handlers', async () => {
  const Tasks = tasksWith(splitting);
  const tasks = (await new Tasks().policy(asked(3))) as readonly Task[];
  expect(tasks.map(({ size, isDone }) => [size, isDone])).toEqual(
    [3, 2, 1, 1, 1].map((size) => [size, true]),
  );
  expect(new Set(tasks.map(({ id }) => id)).size).toBe(5);
  await new Promise((resolve) => setTimeout(resolve, 5)); // so that events get another time
  const again = await new Tasks().policy(asked(3));
  expect(again.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id));
});

test('a direct call ignores the pending events of aggregates in the Map, and handles new ones', async () => {
  const seen: string[] = [];
  const Tasks = tasksWith({
    'Work.Asked': async (_, repository) => (await repository.get(Task, 't-1')).finish(),
    'Task.Made': () => void seen.push('made'),
    'Task.Done': async ({ originatorVersion }, repository) => {
      seen.push(`done ${originatorVersion}`);
      if (originatorVersion > 2) return;
      await repository
        .attempt(async () => {
          (await repository.get(Task, 't-1')).finish();
          throw new Error('no');
        })
        .catch(() => {});
      (await repository.get(Task, 't-1')).finish();
    },
  });
  const byId = new Map([['t-1', Task.make(1, 't-1')]]);
  expect(await new Tasks().policy(asked(1), byId)).toEqual([]);
  expect(seen).toEqual(['done 2', 'done 3']);
  expect(byId.get('t-1')?.version).toBe(3);
});

test('without the static property, a policy handles only what it follows', async () => {
  class Tasks extends tasksWith(splitting) {
    static override readonly applyPolicyToGeneratedEvents = false;
  }
  expect(await new Tasks().policy(asked(3))).toHaveLength(1);
});

test('an application that handles its own events cannot follow itself', async () => {
  const Tasks = tasksWith(splitting);
  expect(() => System.of([[Works, Tasks, Tasks]])).toThrow(InvalidSystemError);
  expect(() => System.of([[Works, Tasks, Tasks]])).toThrow(
    "Application 'tasks' follows itself, but has 'static readonly applyPolicyToGeneratedEvents = true': its policy would " +
      'handle its own events twice. Remove the static property, or the application from behind itself.',
  );
  await using tasks = await Tasks.open({ storage: memory() });
  expect(() => tasks.follow(tasks.log)).toThrow(InvalidApplicationError);
  class Sometimes extends Works {
    static readonly applyPolicyToGeneratedEvents = 'sometimes';
  }
  expect(() => System.of([Sometimes] as never)).toThrow(
    "Expected 'static readonly applyPolicyToGeneratedEvents' of class Sometimes to be true or false, got sometimes.",
  );
});

test('events outside of the log are handled, too', async () => {
  await using runner = await run(parcels);
  const order = Order.place(5);
  await runner.get(Orders).save(order);
  expect(await runner.get(Notes).numbersOf(order.id)).toEqual(numbersFor(5));
  expect(await runner.get(Stock).log.head()).toBe(10);
});
