import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout } from 'node:timers';
import { setTimeout as delay } from 'node:timers/promises';
import { Aggregate, Application, type DomainEvent, ProcessApplication, System } from 'kahn';

type QuestionEvent = DomainEvent<'Question.Asked', { n: number }>;
type AnswerEvent =
  | DomainEvent<'Answer.Given', { seen: number | string; seenLater: number | string }>
  | DomainEvent<'Answer.Late', { refused: string }>;

/** The request of a caller, as a web server keeps it. */
export const request: AsyncLocalStorage<number | string> = new AsyncLocalStorage();

const seen = () => request.getStore() ?? 'nothing';

export class Question extends Aggregate<QuestionEvent> {}
export class Answer extends Aggregate<AnswerEvent> {}

export class Questions extends Application<QuestionEvent> {
  static readonly applicationName = 'questions';
  static readonly emits = ['Question.Asked'] as const;

  ask(n: number) {
    return request.run(n, () => this.save(Question.create('Question.Asked', { n })));
  }
}

/** Notes the context of its policy, and saves in a timer that the policy has started. */
export class Answers extends ProcessApplication<AnswerEvent, QuestionEvent> {
  static readonly applicationName = 'answers';
  static readonly emits = ['Answer.Given', 'Answer.Late'] as const;
  #hasTimer = false;

  override readonly policy = this.when({
    'Question.Asked': async (_event, repository) => {
      const before = seen();
      request.enterWith('another event'); // no later event sees this
      const refusals: string[] = [];
      if (!this.#hasTimer) setTimeout(() => void this.#saveLate(refusals), 1);
      this.#hasTimer = true;
      const early = await this.save(Answer.create('Answer.Late', { refused: '' })).catch(({ code }) => code);
      refusals.push(String(early));
      request.enterWith('nothing');
      await delay(1);
      return Answer.create('Answer.Given', { seen: before, seenLater: seen() }, repository.deriveId());
    },
  });

  /** Saves as soon as no policy runs that started this. */
  async #saveLate(refusals: readonly string[]): Promise<void> {
    for (;;) {
      const late = Answer.create('Answer.Late', { refused: refusals.join() });
      const error = await this.save(late).then(
        () => undefined,
        (thrown: Error & { code: string }) => thrown,
      );
      if (error?.code !== 'SAVE_IN_POLICY') return;
      await delay(1);
    }
  }
}

export const contexts = System.of([[Questions, Answers]], {
  module: import.meta.url,
  carryMetadata: () => ({ seenByCarryMetadata: seen() }),
});
