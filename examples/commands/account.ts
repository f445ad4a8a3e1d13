import { Aggregate, type DomainEvent } from 'kahn';

export type AccountEvent =
  | DomainEvent<'Account.Opened', { balance: number }>
  | DomainEvent<'Account.Changed', { by: number }>;

/** A command is refused for a reason that its issuer can understand. */
export class Refusal extends Error {}

/** An account that is never overdrawn. */
export class Account extends Aggregate<AccountEvent> {
  balance = 0;

  static open(id: string, balance: number): Account {
    return Account.create('Account.Opened', { balance }, id);
  }

  change(by: number): void {
    if (this.balance + by < 0) throw new Refusal(`Account ${this.id} holds ${this.balance} only.`);
    this.trigger('Account.Changed', { by });
  }

  protected override apply(event: AccountEvent): void {
    this.balance += event.type === 'Account.Opened' ? event.data.balance : event.data.by;
  }
}
