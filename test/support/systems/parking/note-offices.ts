// Random systems of offices that take notes of each other's notes, in an order of their own for each aggregate.
import { Aggregate, Application, type DomainEvent, type ErrorRule, ProcessApplication, System } from 'kahn';
import { JammedError } from './parcel-desk.ts';

type NoteEvent = DomainEvent<'Note.Made', { number: number }>;

/** The numbers that an office has noted of one aggregate of an upstream, in order. Its id is the path from the source. */
class Notes extends Aggregate<NoteEvent> {
  readonly numbers: number[] = [];

  static first(id: string, number: number): Notes {
    return Notes.create('Note.Made', { number }, id);
  }

  add(number: number): void {
    this.trigger('Note.Made', { number });
  }

  protected override apply({ data: { number } }: NoteEvent): void {
    this.numbers.push(number);
  }
}

/** Notes numbers by commands. */
export abstract class Source extends Application<NoteEvent> {
  static readonly emits = ['Note.Made'] as const;

  async note(key: string, number: number): Promise<void> {
    const id = `${key}/${this.applicationName}`;
    if (!(await this.repository.has(Notes, id))) await this.save(Notes.first(id, number));
    else {
      const notes = await this.repository.get(Notes, id);
      notes.add(number);
      await this.save(notes);
    }
  }
}

/** Called with the name of the office and the number before each note. */
export type Meanwhile = (office: string, number: number) => void;

/** Notes what its upstreams note. Fails for good on a note whose cause it follows, too, and has not noted. */
export abstract class Office extends ProcessApplication<NoteEvent, NoteEvent> {
  static readonly emits = ['Note.Made'] as const;
  static readonly errorRules: readonly ErrorRule[] = [{ error: JammedError, action: 'park' }];
  static readonly upstreams: readonly string[] = [];
  static meanwhile: Meanwhile = () => {};

  override readonly policy = this.when({
    'Note.Made': async ({ originatorId, data: { number } }, repository) => {
      Office.meanwhile(this.applicationName, number);
      for (const cause of this.#causesOf(originatorId)) {
        const { numbers } = await repository.get(Notes, `${cause}/${this.applicationName}`);
        if (!numbers.includes(number)) throw new RangeError(`${originatorId} ${number} is before ${cause}`);
      }
      const id = `${originatorId}/${this.applicationName}`;
      if (!(await repository.has(Notes, id))) return Notes.first(id, number);
      (await repository.get(Notes, id)).add(number);
      return undefined;
    },
  });

  /** Returns the aggregates before another one on its path whose notes this office notes, too. */
  #causesOf(path: string): readonly string[] {
    const { upstreams } = this.constructor as typeof Office;
    const names = path.split('/');
    return names.flatMap((name, i) =>
      i > 0 && i < names.length - 1 && upstreams.includes(name) ? [names.slice(0, i + 1).join('/')] : [],
    );
  }
}

type Class<Instance, Statics> = (new () => Instance) &
  Pick<Statics, keyof Statics> & { readonly applicationName: string };
export type SourceClass = Class<Source, typeof Source>;
export type OfficeClass = Class<Office, typeof Office>;

export interface NoteSystem {
  readonly system: System<SourceClass | OfficeClass>;
  readonly sources: readonly SourceClass[];
  readonly offices: readonly OfficeClass[];
}

/**
 * Makes a system of two sources and some offices.
 *
 * @param followed For each office, the numbers of what it follows: sources are 0 and 1, offices are counted from 2.
 */
export function noteSystem(followed: readonly (readonly number[])[]): NoteSystem {
  const sources = ['p', 'q'].map(
    (name) =>
      class extends Source {
        static readonly applicationName: string = name;
      },
  ) as unknown as SourceClass[];
  const names = [
    ...sources.map(({ applicationName }) => applicationName),
    ...followed.map((_, i) => `n${i}`),
  ];
  const offices = followed.map(
    (upstreams, i) =>
      class extends Office {
        static readonly applicationName: string = `n${i}`;
        static override readonly upstreams = upstreams.map((one) => names[one] as string);
        static override readonly errorRules: readonly ErrorRule[] =
          i % 2 === 0
            ? Office.errorRules
            : [{ error: JammedError, retry: { times: 1, firstMs: 1, maxMs: 1 }, action: 'park' }];
      },
  ) as unknown as OfficeClass[];
  const all = [...sources, ...offices];
  const edges = followed.flatMap((upstreams, i) => upstreams.map((one) => [all[one], offices[i]]));
  const system = System.of(edges as never) as unknown as NoteSystem['system'];
  return { system, sources, offices };
}
