import { Aggregate, Application, type DomainEvent, ProcessApplication, System } from 'kahn';

export type TaskEvent =
  | DomainEvent<'Task.Added', { name: string }>
  | DomainEvent<'Task.Renamed', { name: string }>;
export type ResultEvent = DomainEvent<'Result.Found' | 'Result.Checked', { name: string }>;

export class Task extends Aggregate<TaskEvent> {
  static add(name: string): Task {
    return Task.create('Task.Added', { name });
  }

  rename(name: string): this {
    this.trigger('Task.Renamed', { name });
    return this;
  }
}

export class Result extends Aggregate<ResultEvent> {
  static find(name: string, id?: string): Result {
    return Result.create('Result.Found', { name }, id);
  }

  check(name: string): this {
    this.trigger('Result.Checked', { name });
    return this;
  }
}

const emits = ['Task.Added', 'Task.Renamed'] as const;

export class Tasks extends Application<TaskEvent> {
  static readonly applicationName: string = 'tasks';
  static readonly emits = emits;
}

export class OtherTasks extends Tasks {
  static override readonly applicationName = 'other tasks';
}

/** Makes a result of each task with the id of the task. Tests hold its policy, or make it fail. */
export class Results extends ProcessApplication<ResultEvent, TaskEvent> {
  static readonly applicationName: string = 'results';
  static readonly emits = ['Result.Found', 'Result.Checked'] as const;
  /** Names of the tasks that were handled. */
  readonly handled: string[] = [];
  /** Called by the policy with the name of each task. */
  meanwhile: (name: string) => Promise<void> | void = () => {};
  override readonly policy = this.when({
    'Task.Added': async ({ originatorId, data: { name } }) => {
      await this.meanwhile(name);
      this.handled.push(name);
      return Result.find(name, originatorId);
    },
  });
}

export class OtherResults extends Results {
  static override readonly applicationName = 'other results';
}

/** Counts results. */
export class Counts extends ProcessApplication<never, ResultEvent> {
  static readonly applicationName = 'counts';
  static readonly emits = [] as const;
  count = 0;
  override readonly policy = this.when({
    'Result.Found': () => {
      this.count += 1;
    },
  });
}

/** Two pipelines that have nothing to do with each other. */
export const tasks = System.of([
  [Tasks, Results, Counts],
  [OtherTasks, OtherResults],
]);
