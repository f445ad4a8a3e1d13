import { setTimeout as delay } from 'node:timers/promises';
import {
  Aggregate,
  Application,
  type DomainEvent,
  defineEvents,
  type EventsOf,
  event,
  ProcessApplication,
  run,
  System,
} from 'kahn';
import { expect, test } from 'vitest';

const askEvents = defineEvents({
  'Ask.Thought': event<null>({ notifiable: false }),
  'Ask.Made': event<null>(),
});
const answerEvents = defineEvents({
  'Answer.Drafted': event<null>({ notifiable: false }),
  'Answer.Given': event<null>(),
});
type AskEvent = EventsOf<typeof askEvents>;
type AnswerEvent = EventsOf<typeof answerEvents>;

class Ask extends Aggregate<AskEvent> {
  static make(id: string): Ask {
    const ask = Ask.create('Ask.Thought', null, id);
    ask.trigger('Ask.Made', null);
    ask.trigger('Ask.Thought', null);
    return ask;
  }
}

class Answer extends Aggregate<AnswerEvent> {
  static give(id: string): Answer {
    const answer = Answer.create('Answer.Drafted', null, id);
    for (const type of ['Answer.Given', 'Answer.Drafted', 'Answer.Given'] as const)
      answer.trigger(type, null);
    return answer;
  }
}

class Asks extends Application<AskEvent> {
  static readonly applicationName = 'asks';
  static readonly emits = askEvents;
}

class Answers extends ProcessApplication<AnswerEvent, AskEvent> {
  static readonly applicationName = 'answers';
  static readonly emits = answerEvents;
  override readonly policy = this.when({ 'Ask.Made': ({ originatorId }) => Answer.give(originatorId) });
}

const log: string[] = [];

class Readers extends ProcessApplication<DomainEvent<'Read'>, AnswerEvent> {
  static readonly applicationName = 'readers';
  static readonly emits = ['Read'] as const;
  override readonly policy = this.when({
    'Answer.Given': async ({ originatorId, originatorVersion }) => {
      await delay(5);
      log.push(`${originatorId} ${originatorVersion}`);
    },
  });
}

test('a save waits for its own effects, although events without a place stand between them', async () => {
  log.length = 0;
  await using runner = await run(System.of([[Asks, Answers, Readers]]), { batchSize: 2 });
  const save = async (id: string) => {
    await runner.get(Asks).save(Ask.make(id));
    log.push(`${id} saved`);
  };
  await save('a');
  expect(log).toEqual(['a 2', 'a 4', 'a saved']);
  await Promise.all([save('b'), save('c')]); // in one commit, so that the answers are recorded together, too
  for (const id of ['b', 'c']) expect(log.indexOf(`${id} saved`)).toBeGreaterThan(log.indexOf(`${id} 4`));
  await save('d');
  expect(log.slice(-3)).toEqual(['d 2', 'd 4', 'd saved']);
});
