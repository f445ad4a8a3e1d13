import { Aggregate, type Application, type DomainEvent, ProcessApplication, type Saved, System } from 'kahn';

export type Hit = DomainEvent<'Ball.Hit', { left: number; times: number }>;

/** One hit of a ball. */
export class Ball extends Aggregate<Hit> {
  /** `times` is the number of balls that each hit leads to. */
  static hit(left: number, times = 1, id?: string): Ball {
    return Ball.create('Ball.Hit', { left, times }, id);
  }
}

/** Each hit leads to hits of the other player, until none is left. */
export class Ping extends ProcessApplication<Hit, Hit> {
  static readonly applicationName: string = 'ping';
  static readonly emits = ['Ball.Hit'] as const;
  override readonly policy = this.when({
    'Ball.Hit': ({ data: { left, times } }, repository) =>
      left > 0
        ? Array.from({ length: times }, () => Ball.hit(left - 1, times, repository.deriveId()))
        : undefined,
  });

  serve(left: number, times?: number): Promise<Saved> {
    return this.save(Ball.hit(left, times));
  }
}

export class Pong extends Ping {
  static override readonly applicationName: string = 'pong';
}

/** Ignores nothing, and records nothing. */
export class Umpire extends ProcessApplication<never, Hit> {
  static readonly applicationName = 'umpire';
  static readonly emits = [] as const;
  override readonly policy = this.when({ 'Ball.Hit': () => {} });
}

/** Two players who follow each other, and an umpire who follows one of them. */
export const rallies = System.of(
  [
    [Ping, Pong, Ping],
    [Pong, Umpire],
  ],
  { module: import.meta.url },
);

/** Returns the number of hits in all logs with a correlation id. */
export async function hitsOf(players: readonly Application<Hit>[], correlationId: string): Promise<number> {
  let hits = 0;
  for (const player of players) {
    const reader = player.reader();
    for await (const { event } of reader) if (event.correlationId === correlationId) hits += 1;
  }
  return hits;
}
