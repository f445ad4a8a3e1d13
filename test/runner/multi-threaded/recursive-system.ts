import { Aggregate, type DomainEvent, ProcessApplication, System } from 'kahn';

type StepEvent = DomainEvent<'Step.Made', { left: number }>;

export class Step extends Aggregate<StepEvent> {
  static make(left: number, id?: string): Step {
    return Step.create('Step.Made', { left }, id);
  }
}

/** Each step leads to a lower one, down to 0. */
export class Stairs extends ProcessApplication<StepEvent, StepEvent> {
  static readonly applicationName: string = 'stairs';
  static readonly emits = ['Step.Made'] as const;
  override readonly policy = this.when({
    'Step.Made': ({ data }, repository) =>
      data.left > 0 ? Step.make(data.left - 1, repository.deriveId()) : undefined,
  });

  async climb(height: number): Promise<void> {
    await this.save(Step.make(height));
  }
}

export class Ladder extends Stairs {
  static override readonly applicationName: string = 'ladder';
}

/** The stairs follow themselves, and a ladder that follows the stairs. */
export const stairs = System.of([[Stairs, Stairs, Ladder, Stairs]], { module: import.meta.url });
