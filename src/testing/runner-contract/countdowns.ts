import type { Policy } from '../../application/policy/policy.ts';
import { ProcessApplication } from '../../application/process-application.ts';
import { Aggregate } from '../../domain/aggregate.ts';
import type { DomainEvent } from '../../domain/event.ts';
import { System } from '../../system/system.ts';

type CountdownEvent = DomainEvent<'Countdown.Ticked', { left: number }>;
type EchoEvent = DomainEvent<'Echo.Heard', { left: number; echoes: number }>;

/** Number of echoes that follow the first one. */
const echoes = 2;

export class Countdown extends Aggregate<CountdownEvent> {
  static from(left: number): Countdown {
    return Countdown.create('Countdown.Ticked', { left });
  }

  tick(left: number): void {
    this.trigger('Countdown.Ticked', { left });
  }
}

class Echo extends Aggregate<EchoEvent> {
  static hear(data: { readonly left: number; readonly echoes: number }, id: string): Echo {
    return Echo.create('Echo.Heard', data, id);
  }
}

/** Follows itself: a tick leads to the next one. */
export class Countdowns extends ProcessApplication<CountdownEvent, CountdownEvent> {
  static readonly applicationName = 'countdowns';
  static readonly emits = ['Countdown.Ticked'] as const;

  override readonly policy: Policy<CountdownEvent, CountdownEvent> = this.when({
    'Countdown.Ticked': async ({ originatorId, data: { left } }, repository) => {
      if (left === 0) return;
      const countdown = await repository.get(Countdown, originatorId);
      countdown.tick(left - 1);
    },
  });
}

/** Follows the ticks and itself: an echo leads to the next one. */
export class Echoes extends ProcessApplication<EchoEvent, CountdownEvent | EchoEvent> {
  static readonly applicationName = 'echoes';
  static readonly emits = ['Echo.Heard'] as const;

  override readonly policy: Policy<CountdownEvent | EchoEvent, EchoEvent> = this.when({
    'Countdown.Ticked': ({ data: { left } }, repository) =>
      Echo.hear({ left, echoes }, repository.deriveId()),
    'Echo.Heard': ({ data: { left, echoes: rest } }, repository) =>
      rest > 0 ? Echo.hear({ left, echoes: rest - 1 }, repository.deriveId()) : undefined,
  });
}

/** Number of events that a countdown leads to, with itself. */
export function eventsOfCountdown(from: number): { readonly ticks: number; readonly echoes: number } {
  return { ticks: from + 1, echoes: (from + 1) * (echoes + 1) };
}

export const countdowns: System<typeof Countdowns | typeof Echoes> = System.of(
  [[Countdowns, Countdowns, Echoes, Echoes]],
  {
    module: import.meta.url,
    name: 'contract-countdowns',
  },
);
