// A system that records personal data, and one that follows it, for processes of their own.
import { Aggregate, type DomainEvent, type Personal, ProcessApplication, System } from 'kahn';
import { remote } from 'kahn/http';
import { type Contact, Subscribers } from '../../support/personal/letters.ts';

type JoinedEvent = DomainEvent<'Subscriber.Joined', { contact: Personal<Contact> }>;
type CardEvent = DomainEvent<'Card.Kept', { contact: Personal<Contact> }>;
type NoteEvent = DomainEvent<'Note.Taken', { text: string }>;

class Card extends Aggregate<CardEvent> {}
class Note extends Aggregate<NoteEvent> {}

/** Keeps contacts as they come, without reading them. */
export class Cards extends ProcessApplication<CardEvent, JoinedEvent> {
  static readonly applicationName = 'cards';
  static readonly emits = ['Card.Kept'] as const;
  override readonly policy = this.when({
    'Subscriber.Joined': ({ data: { contact } }, repository) =>
      Card.create('Card.Kept', { contact }, repository.deriveId()),
  });
}

/** Reads the name of each contact. */
export class Notes extends ProcessApplication<NoteEvent, JoinedEvent> {
  static readonly applicationName = 'notes';
  static readonly emits = ['Note.Taken'] as const;
  override readonly policy = this.when({
    'Subscriber.Joined': ({ data: { contact } }, repository) => {
      const { name } = contact.or({ name: 'nobody', email: '' });
      return Note.create('Note.Taken', { text: `${contact.subject}: ${name}` }, repository.deriveId());
    },
  });
}

export { Subscribers };

export const lists = System.of([[Subscribers]], { name: 'lists' });

export function officeFollowing(url: string) {
  const Followed = remote(Subscribers, { system: 'lists', url });
  return System.of(
    [
      [Followed, Cards],
      [Followed, Notes],
    ],
    { name: 'office' },
  );
}
