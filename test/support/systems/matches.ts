import { setTimeout as delay } from 'node:timers/promises';
import { Aggregate, Application, type DomainEvent, ProcessApplication, System } from 'kahn';

type GoalEvent = DomainEvent<'Goal.Shot', Record<string, never>>;
type ScoreEvent =
  | DomainEvent<'Score.Begun', Record<string, never>>
  | DomainEvent<'Score.Cheered', Record<string, never>>
  | DomainEvent<'Score.Raised', Record<string, never>>;

export class Goal extends Aggregate<GoalEvent> {
  static shoot = () => Goal.create('Goal.Shot', {});
}

export class Score extends Aggregate<ScoreEvent> {
  static readonly ids = ['reds', 'blues'];
  goals = 0;
  static begin = (id: string) => Score.create('Score.Begun', {}, id);
  cheer = () => this.trigger('Score.Cheered', {});
  raise = () => this.trigger('Score.Raised', {});
  protected override apply({ type }: ScoreEvent) {
    if (type === 'Score.Raised') this.goals += 1;
  }
}

export class Goals extends Application<GoalEvent> {
  static readonly applicationName = 'goals';
  static readonly emits = ['Goal.Shot'] as const;
}

/** Takes 200 ms to raise two scores, while spectators cheer for one or the other. */
export class Scores extends ProcessApplication<ScoreEvent, GoalEvent> {
  static readonly applicationName = 'scores';
  static readonly emits = ['Score.Begun', 'Score.Cheered', 'Score.Raised'] as const;

  override readonly policy = this.when({
    'Goal.Shot': async (_event, repository) => {
      const scores = await Promise.all(Score.ids.map((id) => repository.get(Score, id)));
      await delay(200);
      for (const score of scores) score.raise();
    },
  });

  begin(): Promise<unknown> {
    return this.save(...Score.ids.map(Score.begin));
  }

  /** Changes one score after the other, with a delay of 5 ms, until the signal is aborted. */
  async cheer(signal: AbortSignal): Promise<void> {
    for (let i = 0; !signal.aborted; i += 1) {
      const score = await this.repository.get(Score, Score.ids[i % 2] as string);
      score.cheer();
      await this.save(score).catch((error) => {
        if (error.code !== 'RECORD_CONFLICT') throw error;
      });
      await delay(5);
    }
  }

  async goals(): Promise<number[]> {
    return Promise.all(Score.ids.map(async (id) => (await this.repository.get(Score, id)).goals));
  }
}

export const matches = System.of([[Goals, Scores]], { module: import.meta.url });
