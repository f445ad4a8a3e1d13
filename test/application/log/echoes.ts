import { Aggregate, type DomainEvent, ProcessApplication, type RecordedEvent } from 'kahn';

/** Anything that event data may hold, and some fields that the policies use. */
export interface Contents {
  readonly [name: string]: unknown;
  readonly number?: number;
  readonly isEven?: boolean;
  /** Id of the note of an echo. */
  readonly of?: string;
}

export type NoteEvent = DomainEvent<'Note.Made' | 'Note.Answered' | 'Note.Ignored', Contents>;
export type EchoEvent = DomainEvent<'Echo.Made', Contents>;

export class Note extends Aggregate<NoteEvent> {
  static make(type: NoteEvent['type'], contents: Contents, id: string): Note {
    return Note.create(type, contents, id);
  }

  change(contents: Contents): void {
    this.trigger('Note.Made', contents);
  }
}

export class Echo extends Aggregate<EchoEvent> {
  static make(contents: Contents, id: string): Echo {
    return Echo.create('Echo.Made', contents, id);
  }
}

/** Calls a function with each event that a policy is given. */
export type Observer = (event: RecordedEvent) => void;

/** Records notes, and an answer to each second echo. */
export class Notes extends ProcessApplication<NoteEvent, EchoEvent> {
  static readonly applicationName = 'notes';
  static readonly emits = ['Note.Made', 'Note.Answered', 'Note.Ignored'] as const;

  observe: Observer = () => {};

  override readonly policy = this.when({
    'Echo.Made': (event, repository) => {
      this.observe(event);
      if (event.data.isEven !== true) return undefined;
      return Note.make('Note.Answered', { to: event.originatorId }, repository.deriveId());
    },
  });
}

/** Follows notes and echoes each of them. */
export class Echoes extends ProcessApplication<EchoEvent, NoteEvent> {
  static readonly applicationName = 'echoes';
  static readonly emits = ['Echo.Made'] as const;

  observe: Observer = () => {};

  override readonly policy = this.when({
    'Note.Made': (event, repository) => {
      this.observe(event);
      const isEven = Number(event.data.number) % 2 === 0;
      return Echo.make({ ...event.data, of: event.originatorId, isEven }, repository.deriveId());
    },
    'Note.Answered': (event) => this.observe(event),
  });
}

/** Follows notes, and records nothing. */
export class Listeners extends ProcessApplication<never, NoteEvent> {
  static readonly applicationName = 'listeners';
  static readonly emits = [] as const;

  observe: Observer = () => {};

  override readonly policy = this.when({
    'Note.Made': (event) => this.observe(event),
    'Note.Answered': (event) => this.observe(event),
  });
}
