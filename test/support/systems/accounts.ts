import { Aggregate, Application, type DomainEvent } from 'kahn';

export type AccountEvent =
  | DomainEvent<'Account.Opened', { owner: string }>
  | DomainEvent<'Account.Changed', { by: unknown }>
  | DomainEvent<'Account.Closed', Record<string, never>>;

/** An aggregate that takes any data, has a snapshot every five events, and can be discarded. */
export class Account extends Aggregate<AccountEvent> {
  static override readonly snapshotEvery = 5;

  owner = '';
  changes: unknown[] = [];

  static open(owner: string, id?: string): Account {
    return Account.create('Account.Opened', { owner }, id);
  }

  change(by: unknown): this {
    this.trigger('Account.Changed', { by });
    return this;
  }

  close(): void {
    this.trigger('Account.Closed', {});
  }

  protected override apply(event: AccountEvent): void {
    if (event.type === 'Account.Opened') this.owner = event.data.owner;
    else if (event.type === 'Account.Changed') this.changes.push(event.data.by);
    else this.discard();
  }
}

/** An application without a policy. */
export class Accounts extends Application<AccountEvent> {
  static readonly applicationName = 'accounts';
  static readonly emits = ['Account.Opened', 'Account.Changed', 'Account.Closed'] as const;

  /** Returns the types of all recorded events, in order. */
  async recorded(): Promise<string[]> {
    const types: string[] = [];
    for await (const { event } of this.reader()) types.push(event.type);
    return types;
  }
}
