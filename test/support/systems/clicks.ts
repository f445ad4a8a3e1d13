import { Aggregate, Application, type DomainEvent, ProcessApplication } from 'kahn';

export type ClickEvent =
  | DomainEvent<'Click.Made', { key: string; number: number }>
  | DomainEvent<'Click.Ignored', Record<string, never>>;

export class Click extends Aggregate<ClickEvent> {
  static make(key: string, number: number): Click {
    return Click.create('Click.Made', { key, number });
  }

  static ignored(): Click {
    return Click.create('Click.Ignored', {});
  }
}

/** Records clicks, each on a key. */
export class Clicks extends Application<ClickEvent> {
  static readonly applicationName = 'clicks';
  static readonly emits = ['Click.Made', 'Click.Ignored'] as const;
}

export type CounterEvent =
  | DomainEvent<'Counter.Started', { key: string }>
  | DomainEvent<'Counter.Counted', { number: number; derivedId: string }>
  | DomainEvent<'Counter.Touched' | 'Counter.Stopped', Record<string, never>>;

export class Counter extends Aggregate<CounterEvent> {
  count = 0;

  static start(key: string): Counter {
    return Counter.create('Counter.Started', { key }, key);
  }

  add(number: number, derivedId: string): void {
    this.trigger('Counter.Counted', { number, derivedId });
  }

  touch(): void {
    this.trigger('Counter.Touched', {});
  }

  stop(): void {
    this.trigger('Counter.Stopped', {});
  }

  protected override apply(event: CounterEvent): void {
    if (event.type === 'Counter.Counted') this.count += 1;
    if (event.type === 'Counter.Stopped') this.discard();
  }
}

/** Counts the clicks on each key; its policy calls `meanwhile` before it counts one. */
export class Counters extends ProcessApplication<CounterEvent, ClickEvent> {
  static readonly applicationName = 'counters';
  static readonly emits = [
    'Counter.Started',
    'Counter.Counted',
    'Counter.Touched',
    'Counter.Stopped',
  ] as const;

  meanwhile: (number: number) => Promise<void> | void = () => {};

  override readonly policy = this.when({
    'Click.Made': async (event, repository) => {
      const { key, number } = event.data;
      const counter = (await repository.has(Counter, key))
        ? await repository.get(Counter, key)
        : Counter.start(key);
      await this.meanwhile(number);
      counter.add(number, repository.deriveId());
      return counter;
    },
  });

  async touch(key: string): Promise<void> {
    const counter = (await this.repository.has(Counter, key))
      ? await this.repository.get(Counter, key)
      : Counter.start(key);
    counter.touch();
    await this.save(counter);
  }

  /** Returns the numbers counted for each key, in order. */
  async counted(): Promise<Map<string, number[]>> {
    const counted = new Map<string, number[]>();
    for await (const { event } of this.reader()) {
      if (event.type !== 'Counter.Counted') continue;
      counted.set(event.originatorId, [...(counted.get(event.originatorId) ?? []), event.data.number]);
    }
    return counted;
  }

  /** Returns the types of all recorded events, in order. */
  async recorded(): Promise<string[]> {
    const types: string[] = [];
    for await (const { event } of this.reader()) types.push(event.type);
    return types;
  }
}
