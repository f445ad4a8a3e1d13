import fc from 'fast-check';
import {
  Aggregate,
  Application,
  type DomainEvent,
  type PolicyRepository,
  ProcessApplication,
  type StorageDescription,
} from 'kahn';

/** What a handler does with a card, as one of its classes. */
export type Step =
  | {
      readonly do: 'get' | 'has' | 'wasDiscarded' | 'make' | 'visit' | 'end';
      readonly as: View;
      readonly id: string;
    }
  | { readonly do: 'attempt'; readonly steps: readonly Step[]; readonly fails: boolean };
export type View = 'Card' | 'Gold' | 'Ledger';

type ProgramEvent = DomainEvent<'Program.Given', { steps: readonly Step[] }>;
type CardEvent = DomainEvent<'Card.Made' | 'Card.Visited' | 'Card.Ended', { as: string }>;

class Program extends Aggregate<ProgramEvent> {}

class Programs extends Application<ProgramEvent> {
  static readonly applicationName = 'programs';
  static readonly emits = ['Program.Given'] as const;
}

abstract class AnyCard extends Aggregate<CardEvent> {
  abstract readonly state: string;
  visit(): void {
    this.trigger('Card.Visited', { as: this.constructor.name });
  }
  end(): void {
    this.trigger('Card.Ended', { as: this.constructor.name });
  }
}

/** Has public state and snapshots. */
export class Card extends AnyCard {
  static override readonly snapshotEvery: number | undefined = 3;
  visits = 0;
  get state(): string {
    return `${this.version}: ${this.visits} visits`;
  }
  protected override apply({ type }: CardEvent): void {
    if (type === 'Card.Visited') this.visits += 1;
    if (type === 'Card.Ended') this.discard();
  }
}

/** A subclass with more state and the snapshots of its own. */
export class Gold extends Card {
  bonus = 0;
  override get state(): string {
    return `${super.state}, ${this.bonus} bonus`;
  }
  protected override apply(event: CardEvent): void {
    super.apply(event);
    this.bonus += event.originatorVersion;
  }
}

/** Another view with #private state, which does not know the end of a card. */
export class Ledger extends AnyCard {
  readonly #lines: string[] = [];
  get state(): string {
    return this.#lines.join();
  }
  protected override apply({ type, data }: CardEvent): void {
    this.#lines.push(`${type.slice(5)} ${data.as}`);
  }
}

const classes = { Card, Gold, Ledger };

function make(as: View, id: string): AnyCard {
  return (classes[as] as typeof Card).create('Card.Made', { as }, id);
}

export class Cards extends ProcessApplication<CardEvent, ProgramEvent> {
  static readonly applicationName = 'cards';
  static readonly emits = ['Card.Made', 'Card.Visited', 'Card.Ended'] as const;
  /** What each handler saw in its last run, by the version of its program. */
  readonly seen = new Map<string, readonly string[]>();

  override readonly policy = this.when({
    'Program.Given': async ({ data, originatorId, originatorVersion }, repository) => {
      const seen: string[] = [];
      this.seen.set(`${originatorId} ${originatorVersion}`, seen);
      return new Execution(repository, seen).run(data.steps);
    },
  });
}

/** Executes the steps of one handler. */
class Execution {
  readonly #repository: PolicyRepository<CardEvent>;
  readonly #seen: string[];
  readonly #held = new Map<string, AnyCard>();

  constructor(repository: PolicyRepository<CardEvent>, seen: string[]) {
    this.#repository = repository;
    this.#seen = seen;
  }

  /** Resolves with the cards that were made. */
  async run(steps: readonly Step[]): Promise<AnyCard[]> {
    const made: AnyCard[] = [];
    for (const step of steps) {
      if (step.do === 'attempt') made.push(...(await this.#attempt(step.steps, step.fails)));
      else if (step.do === 'make') made.push(this.#make(step.as, step.id));
      else await this.#do(step.do, classes[step.as], step.id);
    }
    return made;
  }

  #make(as: View, id: string): AnyCard {
    const card = make(as, id);
    this.#held.set(`${as} ${id}`, card);
    return card;
  }

  async #attempt(steps: readonly Step[], fails: boolean): Promise<readonly AnyCard[]> {
    try {
      return await this.#repository.attempt(async () => {
        const made = await this.run(steps);
        if (fails) throw new RangeError('undo');
        return made;
      });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#seen.push('undone');
      return [];
    }
  }

  async #do(
    what: Exclude<Step['do'], 'attempt' | 'make'>,
    kind: (typeof classes)[View],
    id: string,
  ): Promise<void> {
    const key = `${kind.name} ${id}`;
    const repository = this.#repository;
    const card = this.#held.get(key);
    try {
      if (what === 'has') this.#seen.push(`has ${await repository.has<AnyCard>(kind, id)}`);
      else if (what === 'wasDiscarded')
        this.#seen.push(`wasDiscarded ${await repository.wasDiscarded<AnyCard>(kind, id)}`);
      else if (what === 'get') {
        const got = await repository.get<AnyCard>(kind, id);
        this.#held.set(key, got);
        this.#seen.push(got.state);
      } else if (card !== undefined) {
        if (what === 'visit') card.visit();
        else card.end();
        this.#seen.push(card.state);
      }
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === undefined || code === 'INVALID_POLICY') throw error;
      this.#seen.push(code);
    }
  }
}

/** Arbitrary programs on the cards `a`, `b` and `c`. Handlers make cards with the ids `made`. */
export function programs(
  views: readonly View[],
  made: readonly string[],
): fc.Arbitrary<readonly (readonly Step[])[]> {
  const deed = fc.constantFrom('get', 'get', 'get', 'visit', 'visit', 'visit', 'has', 'wasDiscarded', 'end');
  const view = fc.constantFrom(...views);
  const { steps } = fc.letrec<{ step: Step; steps: Step[] }>((tie) => ({
    step: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      {
        weight: 16,
        arbitrary: fc.record({
          do: deed,
          as: view,
          id: fc.constantFrom('a', 'a', 'a', 'b', 'c'),
        }) as fc.Arbitrary<Step>,
      },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('make' as const), as: view, id: fc.constantFrom(...made) }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('attempt' as const),
          steps: tie('steps'),
          fails: fc.boolean(),
        }),
      },
    ),
    steps: fc.array(tie('step'), { maxLength: 6 }),
  }));
  return fc.array(steps, { minLength: 1, maxLength: 12 });
}

/** What became of programs. */
export interface Outcome {
  /** Types and data of the recorded events, in order, by id and version. */
  readonly recorded: readonly string[];
  /** What each handler saw whose changes were recorded, and the handler that failed. */
  readonly seen: readonly (readonly string[])[];
  /** The number of handlers that did not fail, and the error of the one that did. */
  readonly failure: string | undefined;
}

export interface PlayOptions {
  readonly batchSize: number;
  readonly cacheSize?: number;
}

/** Runs each program as one handler. Makes the cards `a` and `b` first. */
export async function play(
  storage: StorageDescription,
  given: readonly (readonly Step[])[],
  { batchSize, cacheSize = 1_000 }: PlayOptions,
): Promise<Outcome> {
  await using upstream = await Programs.open({ storage });
  await using cards = await Cards.open({ storage, cacheSize });
  for (const [as, id] of [
    ['Card', 'a'],
    ['Gold', 'b'],
  ] as const)
    await cards.save(make(as, id));
  const made = given.map((steps, i) =>
    Program.create('Program.Given', { steps: structuredClone(steps) }, `program-${i}`),
  );
  await upstream.save(...made);
  cards.follow(upstream.log, batchSize);
  const error = await cards.run().then(
    () => undefined,
    (thrown: { notificationId: number; message: string }) => thrown,
  );
  const recorded: string[] = [];
  for await (const { event } of cards.reader()) {
    recorded.push(`${event.originatorId}${event.originatorVersion} ${event.type} ${event.data.as}`);
  }
  const handled = error?.notificationId ?? given.length;
  const seen = Array.from({ length: handled }, (_, i) => cards.seen.get(`program-${i} 1`) ?? []);
  return { recorded, seen, failure: error && `${error.notificationId}: ${error.message}` };
}
