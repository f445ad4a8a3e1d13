import { defineType } from 'kahn';

/** An amount that is kept by a custom type. */
export class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
}

export const money = defineType({
  name: 'Money',
  type: Money,
  encode: ({ cents }) => cents,
  decode: (cents) => new Money(cents),
});
