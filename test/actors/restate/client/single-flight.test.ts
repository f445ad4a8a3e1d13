import { expect, test } from 'vitest';
import { SingleFlight } from '../../../../src/actors/restate/client/single-flight.ts';

const { signal } = new AbortController();

/** Requests that a test answers, one after the other. */
function requests() {
  const keys: string[] = [];
  const answers: ((answer: string) => void)[] = [];
  const flight = new SingleFlight<string>((key) => {
    keys.push(key);
    const { promise, resolve } = Promise.withResolvers<string>();
    answers.push(resolve);
    return promise;
  });
  return { flight, keys, answer: (index: number, text: string) => answers[index]?.(text) };
}

test('callers share the request that is running, and later ones send another', async () => {
  const { flight, keys, answer } = requests();
  const both = [flight.answer(60_000, signal), flight.answer(60_000, signal)];
  answer(0, 'first');
  expect(await Promise.all(both)).toEqual(['first', 'first']);
  const third = flight.answer(60_000, signal);
  answer(1, 'second');
  expect(await third).toBe('second');
  expect(new Set(keys).size).toBe(2);
});

test('a caller after renew() gets no answer of a request from before', async () => {
  const { flight, keys, answer } = requests();
  const before = flight.answer(60_000, signal);
  flight.renew();
  const after = flight.answer(60_000, signal);
  answer(0, 'failed');
  expect(await before).toBe('failed');
  const joined = flight.answer(60_000, signal);
  answer(1, 'running');
  expect(await Promise.all([after, joined])).toEqual(['running', 'running']);
  expect(new Set(keys).size).toBe(2);
  expect(keys).toHaveLength(2);
});
