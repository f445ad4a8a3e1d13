import { Aggregate, type DomainEvent } from 'kahn';

/** An aggregate with events of any type, as earlier code recorded them. */
export class Fact extends Aggregate<DomainEvent<string, object>> {
  static make(type: string, n: number): Fact {
    return Fact.create(type, { n });
  }
  add(type: string, data: object): this {
    this.trigger(type, data);
    return this;
  }
}
