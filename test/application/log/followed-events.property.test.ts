import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import {
  type Application,
  EventNotEncodableError,
  PolicyError,
  type ProcessApplication,
  RecordConflictError,
  type RecordedEvent,
  type StorageDescription,
} from 'kahn';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RecentNotifications } from '../../../src/application/log/recent-notifications.ts';
import { memoryBounds } from '../../../src/application/memory-bounds.ts';
import { processApplicationInternals } from '../../../src/application/process-application.ts';
import { rejectionOf } from '../../support/errors.ts';
import { propertyRuns } from '../../support/seed.ts';
import { storages } from '../../support/storages.ts';
import { type Contents, type EchoEvent, Echoes, Listeners, Note, type NoteEvent, Notes } from './echoes.ts';

type Bounds = { -readonly [K in 'recentEvents' | 'recentSize' | 'recentMs']: number };
const bounds: Bounds = memoryBounds;
const usualBounds = { ...memoryBounds };

type Kind = 'flat' | 'nested' | 'mutable' | 'large' | 'ignored';
type Writer = 'own' | 'other';
type Target = 'echoes' | 'notes' | 'listeners';

/** A step of two writers and two followers. */
type Step =
  | { readonly do: 'save'; readonly by: Writer; readonly kinds: readonly Kind[]; readonly isOneSave: boolean }
  | { readonly do: 'conflict' | 'refuse' | 'reopen' }
  | { readonly do: 'follow'; readonly who: Target; readonly upTo: number | undefined }
  | { readonly do: 'compare'; readonly who: Target }
  | { readonly do: 'fail'; readonly ahead: number }
  | { readonly do: 'mix'; readonly kinds: readonly Kind[] };

const kinds = fc.array(fc.constantFrom<Kind>('flat', 'nested', 'mutable', 'large', 'ignored'), {
  minLength: 1,
  maxLength: 6,
});
const follow: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('follow' as const),
  who: fc.constantFrom<Target>('echoes', 'notes', 'listeners'),
  upTo: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
});
const save: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('save' as const),
  by: fc.constantFrom<Writer>('own', 'own', 'own', 'other'),
  kinds,
  isOneSave: fc.boolean(),
});
const rest: readonly fc.Arbitrary<Step>[] = [
  fc.record({ do: fc.constantFrom('conflict' as const, 'refuse' as const, 'reopen' as const) }),
  fc.record({
    do: fc.constant('compare' as const),
    who: fc.constantFrom<Target>('echoes', 'notes', 'listeners'),
  }),
  fc.record({ do: fc.constant('fail' as const), ahead: fc.integer({ min: -3, max: 3 }) }),
];
const mix: fc.Arbitrary<Step> = fc.record({ do: fc.constant('mix' as const), kinds });
const steps = fc.array(fc.oneof(save, save, follow, follow, follow, ...rest), {
  minLength: 4,
  maxLength: 30,
});
const mixedSteps = fc.array(fc.oneof(mix, mix, save, follow, follow, ...rest), {
  minLength: 4,
  maxLength: 20,
});
const setting = fc.record({
  batchSize: fc.integer({ min: 1, max: 50 }),
  recentEvents: fc.oneof(fc.integer({ min: 2, max: 12 }), fc.constant(2_000)),
  recentSize: fc.oneof(fc.integer({ min: 100, max: 2_000 }), fc.constant(1_000_000)),
  recentMs: fc.constantFrom(200, 60_000),
});

/** Steps in which at least four notifications come from memory: each run begins with a read of the storage. */
const own: Step = { do: 'save', by: 'own', kinds: Array<Kind>(6).fill('flat'), isOneSave: false };
const echo: Step = { do: 'follow', who: 'echoes', upTo: undefined };
const roomy = { batchSize: 1, recentEvents: 2_000, recentSize: 1_000_000, recentMs: 60_000 };
const handing: [Step[], typeof roomy] = [[own, echo, own, echo], roomy];

/** What a policy got: the event, and which parts of it are frozen. */
interface Sight {
  readonly event: RecordedEvent;
  readonly frozen: unknown;
}

function sightOf(event: RecordedEvent): Sight {
  return { event: structuredClone(event), frozen: frozenParts(event) };
}

function frozenParts(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return [Object.isFrozen(value), Object.values(value).map(frozenParts)];
}

/** Changes everything that can be changed in an event, which no other follower may notice. */
function spoil(value: unknown): void {
  if (value instanceof Date) value.setTime(0);
  else if (value instanceof Map) value.clear();
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) spoil(part);
}

/** A failure that a test asks of a policy. */
class Asked extends Error {}

/** Two writers of notes in one storage, of which the first and the echoes follow each other in this process. */
class Scene {
  readonly #storage: StorageDescription;
  readonly #batchSize: number;
  readonly #notes: Notes;
  readonly #other: Notes;
  readonly #listeners: Listeners;
  #echoes: Echoes;
  #made = 0;
  /** Number of the note on which all policies fail. */
  #failing: number | undefined;
  readonly sights: Sight[] = [];

  private constructor(
    storage: StorageDescription,
    batchSize: number,
    applications: [Notes, Notes, Echoes, Listeners],
  ) {
    this.#storage = storage;
    this.#batchSize = batchSize;
    [this.#notes, this.#other, this.#echoes, this.#listeners] = applications;
    this.#listeners.observe = (event) => this.#observe(event);
    this.#listeners.follow(this.#notes.log, batchSize);
    this.#notes.observe = (event) => this.#observe(event);
    this.#notes.follow(this.#echoes.log, batchSize);
    this.#join(this.#echoes);
  }

  static async open(storage: StorageDescription, batchSize: number): Promise<Scene> {
    const applications: [Notes, Notes, Echoes, Listeners] = [
      await Notes.open({ storage }),
      await Notes.open({ storage }),
      await Echoes.open({ storage }),
      await Listeners.open({ storage }),
    ];
    return new Scene(storage, batchSize, applications);
  }

  #join(echoes: Echoes): void {
    echoes.observe = (event) => this.#observe(event);
    echoes.follow(this.#notes.log, this.#batchSize);
  }

  #observe(event: RecordedEvent): void {
    if (this.#failing !== undefined && (event.data as Contents).number === this.#failing) throw new Asked();
    this.sights.push(sightOf(event));
    spoil(event.data);
    spoil(event.metadata);
  }

  async take(step: Step): Promise<void> {
    if (step.do === 'save') await this.#save(step.by, step.kinds, step.isOneSave);
    if (step.do === 'conflict') await this.#conflict();
    if (step.do === 'refuse') {
      const note = Note.make('Note.Made', { work: () => {} }, `refused-${this.#made}`);
      await rejectionOf(this.#notes.save(note), EventNotEncodableError);
    }
    if (step.do === 'reopen') await this.#reopen();
    if (step.do === 'follow') await this.#follow(step.who, step.upTo);
    if (step.do === 'compare') await this.#run(() => this.#application(step.who).run());
    if (step.do === 'fail') this.#failing = this.#made + step.ahead;
    if (step.do === 'mix') {
      const followed = [this.#follow('echoes'), this.#follow('notes'), this.#follow('listeners')];
      await Promise.all([this.#save('own', step.kinds), this.#save('other', step.kinds), ...followed]);
    }
  }

  async #save(by: Writer, saved: readonly Kind[], isOneSave = false): Promise<void> {
    const application = by === 'own' ? this.#notes : this.#other;
    const notes = saved.map((kind) => this.#note(kind));
    const options = { correlationId: `of ${notes[0]?.id}`, metadata: { by, at: new Date(this.#made) } };
    if (isOneSave) await application.save(notes, options);
    else await Promise.all(notes.map((note) => application.save(note, options)));
  }

  #note(kind: Kind): Note {
    this.#made += 1;
    const number = this.#made;
    const type: NoteEvent['type'] = kind === 'ignored' ? 'Note.Ignored' : 'Note.Made';
    return Note.make(type, { number, ...contentsOf(kind, number) }, `note-${number}`);
  }

  /** Makes both writers change the same note. */
  async #conflict(): Promise<void> {
    const note = this.#note('flat');
    const options = { correlationId: `of ${note.id}` };
    await this.#other.save(note, options);
    const [mine, theirs] = [
      await this.#notes.repository.get(Note, note.id),
      await this.#other.repository.get(Note, note.id),
    ];
    mine.change({ number: this.#made });
    theirs.change({ number: this.#made });
    await this.#other.save(theirs, options);
    await rejectionOf(this.#notes.save(mine, options), RecordConflictError);
  }

  async #reopen(): Promise<void> {
    await this.#echoes.close();
    this.#echoes = await Echoes.open({ storage: this.#storage });
    this.#notes.follow(this.#echoes.log, this.#batchSize);
    this.#join(this.#echoes);
  }

  #application(who: Target): Notes | Echoes | Listeners {
    if (who === 'listeners') return this.#listeners;
    return who === 'notes' ? this.#notes : this.#echoes;
  }

  /** Runs a follower as runners do, up to some more notifications or everything that is recorded by now. */
  async #follow(who: Target, more?: number): Promise<void> {
    const upstream = who === 'notes' ? this.#echoes : this.#notes;
    const upstreamName = upstream.applicationName;
    const application = this.#application(who) as unknown as ProcessApplication;
    const seen = () => processApplicationInternals.seen(application, upstreamName);
    const head = await upstream.log.head();
    const upTo = more === undefined ? Infinity : seen() + more;
    const isDone = await this.#run(async () =>
      processApplicationInternals.run(application, { upstreamName, upTo }),
    );
    if (isDone) expect(seen()).toBeGreaterThanOrEqual(Math.min(head, upTo));
  }

  /** Returns false if a policy failed as it was asked to. */
  async #run(run: () => Promise<unknown>): Promise<boolean> {
    try {
      await run();
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(PolicyError);
      expect((error as PolicyError).cause).toBeInstanceOf(Asked);
      return false;
    }
  }

  /** Processes everything, and returns what the logs hold. */
  async finish(): Promise<{ notes: Sight[]; echoes: Sight[] }> {
    this.#failing = undefined;
    for (let echoed = -1, before = -2; echoed > before; ) {
      await this.#follow('echoes');
      await this.#follow('notes');
      await this.#follow('listeners');
      before = echoed;
      echoed = await this.#echoes.log.head();
    }
    expect([await this.#echoes.run(), await this.#notes.run(), await this.#listeners.run()]).toEqual([
      0, 0, 0,
    ]);
    return { notes: await sightsOf(this.#other), echoes: await sightsOf(this.#echoes) };
  }

  async close(): Promise<void> {
    for (const one of [this.#listeners, this.#echoes, this.#notes, this.#other]) await one.close();
  }
}

function contentsOf(kind: Kind, number: number): Contents {
  if (kind === 'nested') return { list: [{ number }, -0, undefined], big: 10n };
  if (kind === 'mutable') return { at: new Date(number), map: new Map([[number, [number]]]) };
  if (kind === 'large') return { text: 'x'.repeat(600) };
  return { zero: -0, nothing: undefined };
}

async function sightsOf(application: Application<NoteEvent | EchoEvent>): Promise<Sight[]> {
  const sights: Sight[] = [];
  for await (const { event } of application.reader()) sights.push(sightOf(event));
  return sights;
}

/** Runs steps, and returns what is recorded at the end. Checks that policies got exactly that. */
async function recordedBy(storage: StorageDescription, taken: readonly Step[], batchSize: number) {
  const scene = await Scene.open(storage, batchSize);
  try {
    for (const step of taken) await scene.take(step);
    const logs = await scene.finish();
    const all = [...logs.notes, ...logs.echoes];
    const recorded = new Map(all.map((sight) => [keyOf(sight), sight]));
    const wrong = scene.sights.filter((sight) => !isDeepStrictEqual(sight, recorded.get(keyOf(sight))));
    expect(wrong).toEqual([]);
    const made = logs.notes
      .filter(({ event }) => event.type === 'Note.Made')
      .map(({ event }) => event.originatorId);
    expect(logs.echoes.map(({ event }) => (event as EchoEvent).data.of)).toEqual(made);
    const distinct = [...new Set(scene.sights.map(keyOf))];
    return { logs, seen: distinct };
  } finally {
    await scene.close();
  }
}

function keyOf({ event: { originatorId, originatorVersion, type } }: Sight): string {
  return `${type} ${originatorId} ${originatorVersion}`;
}

let handed = 0;

beforeEach(() => {
  handed = 0;
  const after = RecentNotifications.prototype.after;
  vi.spyOn(RecentNotifications.prototype, 'after').mockImplementation(function (
    this: RecentNotifications,
    ...args
  ) {
    const found = after.apply(this, args);
    handed += found.length;
    return found;
  });
  vi.spyOn(Date, 'now').mockReturnValue(1_700_000_000_000); // so that ids and times are the same on each run
});

afterEach(() => {
  vi.restoreAllMocks();
  Object.assign(bounds, usualBounds);
});

const runs = { memory: [40, 800], sqlite: [12, 200], postgres: [8, 60] } as const;

for (const { name, create } of storages) {
  const [quick, exhaustive] = runs[name as keyof typeof runs];

  test(`logs and policies are the same with and without recent events, on ${name}`, async () => {
    const property = fc.asyncProperty(steps, setting, async (taken, { batchSize, ...tiny }) => {
      Object.assign(bounds, tiny);
      const withRecent = await recordedBy(create(), taken, batchSize);
      Object.assign(bounds, { recentEvents: 0 });
      const without = await recordedBy(create(), taken, batchSize);
      expect(withRecent.seen).toEqual(without.seen);
      expect(isDeepStrictEqual(withRecent.logs, without.logs)).toBe(true);
    });
    await fc.assert(property, { ...propertyRuns(quick, exhaustive), examples: [handing] });
    expect(handed).toBeGreaterThan(3);
  });

  test(`policies get what is recorded while writers and followers work at once, on ${name}`, async () => {
    const property = fc.asyncProperty(mixedSteps, setting, async (taken, { batchSize, ...tiny }) => {
      Object.assign(bounds, tiny);
      await recordedBy(create(), taken, batchSize);
    });
    await fc.assert(property, { ...propertyRuns(quick, exhaustive), examples: [handing] });
    expect(handed).toBeGreaterThan(3);
  });
}
