import { Aggregate, defineEvents, type EventsOf, event, ProcessApplication } from 'kahn';
import type { OrderEvent } from '../../../examples/shop/order.ts';

const letterEvents = defineEvents({
  'Letter.Written': event<{ to: string }>(),
  'Letter.Posted': event<{ stamps: number }>(),
  'Letter.Opened': event<{ by: string }>({ notifiable: false }),
});
export type LetterEvent = EventsOf<typeof letterEvents>;

export class Letter extends Aggregate<LetterEvent> {
  post(): void {
    this.trigger('Letter.Posted', { stamps: 1 });
    this.trigger('Letter.Opened', { by: 'the clerk' });
  }
}

/** Writes a letter for each order, and posts it in the same transaction. */
export class Letters extends ProcessApplication<LetterEvent, OrderEvent | LetterEvent> {
  static readonly applicationName = 'letters';
  static readonly emits = letterEvents;
  static readonly applyPolicyToGeneratedEvents = true;
  override readonly policy = this.when({
    'Order.Created': ({ data }, repository) =>
      Letter.create('Letter.Written', { to: data.customer }, repository.deriveId()),
    'Letter.Written': async ({ originatorId }, repository) => {
      (await repository.get(Letter, originatorId)).post();
    },
  });
}
