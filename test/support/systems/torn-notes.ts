import { Aggregate, Application, type DomainEvent, ProcessApplication, System } from 'kahn';

type LetterEvent = DomainEvent<'Letter.Sent' | 'Letter.Read', Record<string, never>>;
type NoteEvent = DomainEvent<'Note.Made', Record<string, never>>;

export class Letter extends Aggregate<LetterEvent> {
  read(): this {
    this.trigger('Letter.Read', {});
    return this;
  }
}

export class Letters extends Application<LetterEvent> {
  static readonly applicationName = 'letters';
  static readonly emits = ['Letter.Sent', 'Letter.Read'] as const;
}

/** Can be made, but not loaded. */
class Note extends Aggregate<NoteEvent> {
  static isBeingMade = false;

  static make(id: string): Note {
    Note.isBeingMade = true;
    const note = Note.create('Note.Made', {}, id);
    Note.isBeingMade = false;
    return note;
  }

  protected override apply(): void {
    if (!Note.isBeingMade) throw new RangeError('torn');
  }
}

export class Notes extends ProcessApplication<NoteEvent, LetterEvent> {
  static readonly applicationName = 'notes';
  static readonly emits = ['Note.Made'] as const;
  override readonly policy = this.when({
    'Letter.Sent': ({ originatorId }) => Note.make(originatorId),
    'Letter.Read': async ({ originatorId }, repository) => {
      await repository.get(Note, originatorId);
    },
  });
}

export const letters = System.of([[Letters, Notes]], { module: import.meta.url });
