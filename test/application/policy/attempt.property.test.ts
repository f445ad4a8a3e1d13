import fc from 'fast-check';
import { memory } from 'kahn';
import { expect, test } from 'vitest';
import { propertyRuns } from '../../support/seed.ts';
import { play, programs, type Step } from './programs.ts';

/** An object that a handler holds: the events of its card that it has applied, unless they are undone. */
interface Handle {
  readonly id: string;
  readonly events: string[];
  isUndone: boolean;
}

/** What a handler is to do with cards, as lists of events that are copied before each attempt. */
class Model {
  cards = new Map<string, string[]>([
    ['a', ['Made']],
    ['b', ['Made']],
  ]);
  seen: string[] = [];
  /** Whether a handler made a card with an id that is in use: what follows is not modelled. */
  hasClash = false;
  /** Handles of the current handler, by id; those that can be got, and those that the handler holds. */
  #open = new Map<string, Handle>();
  #held = new Map<string, Handle>();

  /** Runs a handler. Returns whether its changes are recorded. */
  handle(steps: readonly Step[]): boolean {
    const before = structuredClone(this.cards);
    this.#open = new Map();
    this.#held = new Map();
    this.seen = [];
    const made = this.#run(steps);
    for (const [id, { events }] of this.#open) this.cards.set(id, events);
    const succeeds = made.every(({ isUndone }) => !isUndone);
    if (!succeeds) this.cards = before;
    else for (const { id, events } of made) this.cards.set(id, events);
    return succeeds;
  }

  #run(steps: readonly Step[]): Handle[] {
    const made: Handle[] = [];
    for (const step of steps) {
      if (step.do === 'attempt') made.push(...this.#attempt(step.steps, step.fails));
      else if (step.do === 'make') {
        const handle = { id: step.id, events: ['Made'], isUndone: false };
        this.hasClash ||= this.cards.has(step.id) || this.#held.has(step.id);
        this.#held.set(step.id, handle);
        made.push(handle);
      } else this.#do(step.do, step.id);
    }
    return made;
  }

  #attempt(steps: readonly Step[], fails: boolean): Handle[] {
    const before = new Map(['a', 'b', 'c'].map((id) => [id, this.#lengthOf(id)]));
    const made = this.#run(steps);
    if (!fails) return made;
    this.seen.push('undone');
    for (const handle of new Set([...this.#open.values(), ...this.#held.values(), ...made])) {
      const { id, events } = handle;
      const length = before.get(id) ?? 0;
      if (handle.isUndone || events.length === length) continue;
      handle.isUndone = true;
      if (this.#open.get(id) === handle) this.#open.delete(id);
      const isRecorded = length === (this.cards.get(id)?.length ?? 0);
      if (!isRecorded) this.#open.set(id, { id, events: events.slice(0, length), isUndone: false });
    }
    return [];
  }

  /** Number of events of a card that can be got, or that the handler has made and not returned yet. */
  #lengthOf(id: string): number {
    const held = this.#held.get(id);
    const made = held?.isUndone === false ? held.events : undefined;
    return (this.#open.get(id)?.events ?? made ?? this.cards.get(id) ?? []).length;
  }

  #do(what: Exclude<Step['do'], 'attempt' | 'make'>, id: string): void {
    const events = this.#open.get(id)?.events ?? this.cards.get(id);
    const isEnded = events?.at(-1) === 'Ended';
    if (what === 'has') this.seen.push(`has ${events !== undefined && !isEnded}`);
    else if (what === 'wasDiscarded') this.seen.push(`wasDiscarded ${isEnded}`);
    else if (what === 'get') {
      if (events === undefined || isEnded) this.seen.push('AGGREGATE_NOT_FOUND');
      else {
        const handle = this.#open.get(id) ?? { id, events: [...events], isUndone: false };
        this.#open.set(id, handle);
        this.#held.set(id, handle);
        this.seen.push(stateOf(handle));
      }
    } else this.#trigger(what === 'visit' ? 'Visited' : 'Ended', this.#held.get(id));
  }

  #trigger(type: string, handle: Handle | undefined): void {
    if (handle === undefined) return;
    if (handle.isUndone) this.seen.push('AGGREGATE_UNDONE');
    else if (handle.events.at(-1) === 'Ended') this.seen.push('AGGREGATE_DISCARDED');
    else {
      handle.events.push(type);
      this.seen.push(stateOf(handle));
    }
  }
}

function stateOf({ events }: Handle): string {
  return `${events.length}: ${events.filter((type) => type === 'Visited').length} visits`;
}

test('attempts that fail leave nothing, in any nest and at any batch size', async () => {
  const scenarios = fc.record({
    given: programs(['Card'], ['c']),
    batchSize: fc.integer({ min: 1, max: 20 }),
  });
  const property = fc.asyncProperty(scenarios, async ({ given, batchSize }) => {
    const model = new Model();
    const seen: (readonly string[])[] = [];
    let handled = 0;
    while (handled < given.length && model.handle(given[handled] ?? []) && !model.hasClash) {
      handled += 1;
      seen.push(model.seen);
    }
    const outcome = await play(memory(), given.slice(0, handled + (model.hasClash ? 0 : 1)), { batchSize });
    expect(outcome.seen.slice(0, handled)).toEqual(seen);
    expect(outcome.failure === undefined).toBe(model.hasClash || handled === given.length);
    if (model.hasClash) return;
    const histories = new Map<string, string[]>();
    for (const line of outcome.recorded) {
      const [place = '', type = ''] = line.split(' ');
      const id = place.charAt(0);
      histories.set(id, [...(histories.get(id) ?? []), type.slice(5)]);
    }
    expect(histories).toEqual(model.cards);
  });
  await fc.assert(property, propertyRuns(200, 3_000));
});
