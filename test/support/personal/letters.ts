// Personal data that flows through three applications. Threads and processes import the system from here.
import {
  Aggregate,
  type DomainEvent,
  type Personal,
  ProcessApplication,
  personal,
  type Saved,
  System,
  shredded,
} from 'kahn';

export interface Contact {
  readonly name: string;
  readonly email: string;
}

type SubscriberEvent =
  | DomainEvent<'Subscriber.Joined', { contact: Personal<Contact> }>
  | DomainEvent<'Subscriber.Greeted', { letterId: string }>;
type LetterEvent = DomainEvent<
  'Letter.Written',
  { subscriberId: string; to: Personal<string>; greeting: Personal<string> }
>;
type EntryEvent = DomainEvent<'Entry.Filed', { letter: { to: Personal<string> }; wasShredded: boolean }>;

export class Subscriber extends Aggregate<SubscriberEvent> {
  static override readonly snapshotEvery = 2;
  contact?: Personal<Contact>;
  letterIds: string[] = [];

  static join(subject: string, contact: Contact) {
    return Subscriber.create('Subscriber.Joined', { contact: personal(subject, contact) });
  }
  greet(letterId: string) {
    this.trigger('Subscriber.Greeted', { letterId });
  }
  protected override apply(event: SubscriberEvent) {
    if (event.type === 'Subscriber.Joined') this.contact = event.data.contact;
    else this.letterIds.push(event.data.letterId);
  }
}

export class Subscribers extends ProcessApplication<SubscriberEvent, LetterEvent> {
  static readonly applicationName = 'subscribers';
  static readonly emits = ['Subscriber.Joined', 'Subscriber.Greeted'] as const;
  override readonly policy = this.when({
    'Letter.Written': async ({ data, originatorId }, repository) => {
      (await repository.get(Subscriber, data.subscriberId)).greet(originatorId);
    },
  });

  join(subject: string, contact: Contact): Promise<Saved> {
    return this.save(Subscriber.join(subject, contact), {
      metadata: { address: personal(subject, `address of ${contact.name}`) },
    });
  }
}

export class Letter extends Aggregate<LetterEvent> {
  static override readonly snapshotEvery = 1;
  to?: Personal<string>;
  greeting?: Personal<string>;
  protected override apply(event: LetterEvent) {
    this.to = event.data.to;
    this.greeting = event.data.greeting;
  }
}

/** Writes with a part of the contact, and with new personal data. */
export class Letters extends ProcessApplication<LetterEvent, SubscriberEvent> {
  static readonly applicationName = 'letters';
  static readonly emits = ['Letter.Written'] as const;
  override readonly policy = this.when({
    'Subscriber.Joined': ({ data: { contact }, originatorId }, repository) => {
      const { value } = contact;
      const greeting = value === shredded ? 'Hello' : `Dear ${value.name}`;
      return Letter.create(
        'Letter.Written',
        {
          subscriberId: originatorId,
          to: contact.map(({ email }) => email),
          greeting: personal(contact.subject, greeting),
        },
        repository.deriveId(),
      );
    },
  });
}

export class Entry extends Aggregate<EntryEvent> {
  to?: Personal<string>;
  protected override apply(event: EntryEvent) {
    this.to = event.data.letter.to;
  }
}

/** Files the personal data as it is. */
export class Archive extends ProcessApplication<EntryEvent, LetterEvent> {
  static readonly applicationName = 'archive';
  static readonly emits = ['Entry.Filed'] as const;
  override readonly policy = this.when({
    'Letter.Written': ({ data: { to } }, repository) =>
      Entry.create('Entry.Filed', { letter: { to }, wasShredded: to.isShredded }, repository.deriveId()),
  });
}

export const letters = System.of(
  [
    [Subscribers, Letters, Subscribers],
    [Letters, Archive],
  ],
  { module: import.meta.url, name: 'letters' },
);
export type LettersApps = typeof Subscribers | typeof Letters | typeof Archive;
