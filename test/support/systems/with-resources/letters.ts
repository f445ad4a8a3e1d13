import { randomUUID } from 'node:crypto';
import {
  Aggregate,
  Application,
  type DomainEvent,
  defineResources,
  ProcessApplication,
  type ResourcesOf,
  System,
} from 'kahn';
import { isRaised, take } from '../../../runner/multi-threaded/file-flags.ts';
import { note } from './journal.ts';

type CustomerEvent = DomainEvent<'Customer.Joined', { name: string; greeting: string }>;
type LetterEvent = DomainEvent<'Letter.Sent', { text: string }>;

class Customer extends Aggregate<CustomerEvent> {}
class Letter extends Aggregate<LetterEvent> {}

export interface Mail {
  send(text: string): Promise<void>;
}

/** The copy of this module in a test says that it is not in a worker. */
export const place = { isWorker: true };

/** Flags: `fail`, `hang` and `fail to close` in all threads and processes, the same with `in worker` in workers. */
const isOrdered = (flag: string) => isRaised(flag) || (place.isWorker && isRaised(`${flag} in worker`));

const resources = defineResources({
  desk: ({ onClose }) => {
    const id: string = randomUUID();
    note(id, 'open desk');
    onClose(() => note(id, 'close desk'));
    return { id, greeting: 'Dear' };
  },
}).and({
  mail: async ({ resources: { desk }, signal, onClose }): Promise<Mail> => {
    note(desk.id, 'open mail');
    if (isOrdered('fail')) throw new Error('no stamps');
    if (isOrdered('hang')) {
      signal.addEventListener('abort', () => note(desk.id, 'aborted'));
      await new Promise<never>(() => {});
    }
    onClose(() => {
      note(desk.id, 'close mail');
      if (isOrdered('fail to close')) throw new Error('still in use');
    });
    return { send: async (text) => note(desk.id, `send ${text}`) };
  },
});
export type LetterResources = ResourcesOf<typeof resources>;

/** Uses a resource in a command. */
export class Customers extends Application<CustomerEvent, { resources: Pick<LetterResources, 'desk'> }> {
  static readonly applicationName = 'customers';
  static readonly emits = ['Customer.Joined'] as const;

  join(name: string) {
    return this.save(Customer.create('Customer.Joined', { name, greeting: this.resources.desk.greeting }));
  }
}

/** Uses a resource in its policy. */
export class Letters extends ProcessApplication<
  LetterEvent,
  CustomerEvent,
  { resources: Pick<LetterResources, 'mail'> }
> {
  static readonly applicationName = 'letters';
  static readonly emits = ['Letter.Sent'] as const;

  override readonly policy = this.when({
    'Customer.Joined': async ({ data: { greeting, name } }, repository, { resources }) => {
      if (take('crash')) process.exit(3);
      const text = `${greeting} ${name}`;
      await resources.mail.send(text);
      return Letter.create('Letter.Sent', { text }, repository.deriveId());
    },
  });
}

/** Sends a letter to each customer, by resources that note what happens to them. */
export const letters = System.of([[Customers, Letters]], { module: import.meta.url, resources });
