// A system whose log is read in small sections, by readers of a class of its own. Threads and processes import it from here.
import { type DomainEvent, NotificationLogReader, type ReaderSource, System } from 'kahn';
import { followedLog } from '../../../../src/application/log/sectioned-log.ts';
import { Clicks, Counters } from '../../../support/systems/clicks.ts';

export class TestedReader<E extends DomainEvent> extends NotificationLogReader<E> {
  readonly #source: ReaderSource<E>;

  constructor(source: ReaderSource<E>) {
    super(source);
    this.#source = source;
  }

  /** Returns a reader of the log as followers read it. */
  followed(useDirectQueryIfAvailable: boolean): TestedReader<E> {
    return new TestedReader({
      ...this.#source,
      log: followedLog(this.#source.log, useDirectQueryIfAvailable),
    });
  }
}

export class ReadClicks extends Clicks {
  static readonly sectionSize = 3;
  static readonly readerClass = TestedReader;
}

export const readSystem = System.of([[ReadClicks, Counters]], { module: import.meta.url, name: 'presses' });
