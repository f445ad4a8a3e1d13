import { Aggregate, Application, type DomainEvent, newId, ProcessApplication, System } from 'kahn';

export type TillEvent = DomainEvent<'Till.Rung', { amount: number; receipt: string; at: Date }>;

export class Till extends Aggregate<TillEvent> {
  static open(amount: number): Till {
    const till = new Till(newId());
    till.ring(amount);
    return till;
  }

  ring(amount: number): this {
    this.trigger('Till.Rung', { amount, receipt: newId(), at: new Date(0) });
    return this;
  }
}

export class Tills extends Application<TillEvent> {
  static readonly applicationName = 'tills';
  static readonly emits = ['Till.Rung'] as const;

  async open(...amounts: readonly number[]): Promise<string> {
    const [first = 0, ...others] = amounts;
    const till = Till.open(first);
    for (const amount of others) till.ring(amount);
    await this.save(till);
    return till.id;
  }
}

export type BookEvent =
  | DomainEvent<'Entry.Made', { amount: number }>
  | DomainEvent<'Book.Written', { amount: number; entryId: string; total: number }>;

export class Entry extends Aggregate<BookEvent> {
  static make(amount: number): Entry {
    return Entry.create('Entry.Made', { amount });
  }
}

/** The total of all entries, with a snapshot every three events. */
export class Book extends Aggregate<BookEvent> {
  static override readonly snapshotEvery = 3;
  static readonly id = 'the book';
  total = 0;

  static begin(amount: number, entryId: string): Book {
    return Book.create('Book.Written', { amount, entryId, total: amount }, Book.id);
  }

  write(amount: number, entryId: string): this {
    this.trigger('Book.Written', { amount, entryId, total: this.total + amount });
    return this;
  }

  protected override apply(event: BookEvent): void {
    if (event.type === 'Book.Written') this.total += event.data.amount;
  }
}

/** Makes an entry with a new id for each even amount; odd amounts are ignored. */
export class Books extends ProcessApplication<BookEvent, TillEvent> {
  static readonly applicationName = 'books';
  static readonly emits = ['Entry.Made', 'Book.Written'] as const;
  override readonly policy = this.when({
    'Till.Rung': async ({ data: { amount } }, repository) => {
      if (amount % 2 === 1) return undefined;
      const entry = Entry.make(amount);
      if (!(await repository.has(Book, Book.id))) return [entry, Book.begin(amount, entry.id)];
      (await repository.get(Book, Book.id)).write(amount, entry.id);
      return entry;
    },
  });
}

export type AuditEvent = DomainEvent<'Audit.Made', { of: string; total: number }>;

export class Audit extends Aggregate<AuditEvent> {
  static make(of: string, total: number): Audit {
    return Audit.create('Audit.Made', { of, total });
  }
}

/** Follows two applications, and ignores many events of one of them. */
export class Audits extends ProcessApplication<AuditEvent, TillEvent | BookEvent> {
  static readonly applicationName = 'audits';
  static readonly emits = ['Audit.Made'] as const;
  override readonly policy = this.when({
    'Entry.Made': ({ originatorId, data }) => Audit.make(originatorId, data.amount),
    'Till.Rung': ({ originatorId, originatorVersion, data }) =>
      originatorVersion === 1 ? Audit.make(originatorId, data.amount) : undefined,
  });
}

/** A system with fan-out and fan-in in which all aggregates get new ids. */
export const bookkeeping = System.of(
  [
    [Tills, Books, Audits],
    [Tills, Audits],
  ],
  { module: import.meta.url },
);
