import { Aggregate, type DomainEvent } from 'kahn';

export type EntryEvent = DomainEvent<'Entry.Made', { what: string }>;

/** What a journal writes for one event of an order. */
export class Entry extends Aggregate<EntryEvent> {
  what = '';
  static make(what: string, id: string): Entry {
    return Entry.create('Entry.Made', { what }, id);
  }
  protected override apply(event: EntryEvent) {
    this.what = event.data.what;
  }
}
