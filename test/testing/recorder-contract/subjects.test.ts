import { InvalidArgumentError, InvalidOptionError, memory } from 'kahn';
import { recorderContract, runnerContract } from 'kahn/testing';
import { describe, expect, test } from 'vitest';

const framework = { describe: () => {}, it: () => {} };
const create = async () => ({ storage: memory(), cleanUp: async () => {} });
const start = () => Promise.reject();

describe.each([
  ['recorderContract', recorderContract as (...given: unknown[]) => void, { name: 'my', create }],
  ['runnerContract', runnerContract as (...given: unknown[]) => void, { name: 'my', create, start }],
] as const)('%s()', (name, contract, subject) => {
  test('needs the functions of a test framework', () => {
    expect(() => contract(subject)).toThrow(
      new InvalidArgumentError(
        `${name}() takes the functions of a test framework and then a subject, as in ${name}({ describe, it }, subject). ` +
          'The first argument, an object, has no function describe().',
      ),
    );
    expect(() => contract({ describe: () => {} }, subject)).toThrow('has no function it().');
  });

  test('needs a subject', () => {
    expect(() => contract(framework)).toThrow(
      new RegExp(
        `^${name}\\(\\) takes an object, as in ${name}\\(\\{ describe, it \\}, .*, not undefined\\.$`,
      ),
    );
  });

  test.each(Object.keys(subject))('needs the property %s', (property) => {
    expect(() => contract(framework, { ...subject, [property]: undefined })).toThrow(
      new RegExp(`^Expected option '${property}' of ${name}\\(\\) to be a .*, got undefined\\.$`),
    );
  });

  test.each([
    [
      { lacks: ['parke'] },
      "Unknown feature 'parke' in option 'lacks' of *(). Did you mean 'parked'? Features: ",
    ],
    [{ lacks: 'parked' }, "Expected option 'lacks' of *() to be an array of features, as in ["],
    [{ lack: ['parked'] }, "Unknown option 'lack' of *(). Did you mean 'lacks'?"],
    [{ name: '' }, "Expected option 'name' of *() to be a non-empty string, got ''."],
  ])('refuses %j', (other, message) => {
    const call = () => contract(framework, { ...subject, ...other });
    expect(call).toThrow(InvalidOptionError);
    expect(call).toThrow(message.replace('*', name));
  });
});

test('refuses options of one contract', () => {
  const recorder = { name: 'my', create, layers: memory() };
  expect(() => recorderContract(framework, recorder as never)).toThrow(
    "Expected option 'layers' of recorderContract() to be an array of functions that return a storage, got ",
  );
  const runner = { name: 'my', create, start };
  expect(() => runnerContract(framework, { ...runner, rows: 'memory' } as never)).toThrow(
    "Expected option 'rows' of runnerContract() to be 'sqlite' or 'postgres', got 'memory'.",
  );
  expect(() => runnerContract(framework, { ...runner, waitLimitMs: 0 } as never)).toThrow(
    "option 'waitLimitMs'",
  );
  expect(() => runnerContract(framework, { ...runner, lacks: ['rows'] } as never)).toThrow(
    "Unknown feature 'rows' in option 'lacks' of runnerContract(). Features: parked.",
  );
});

test('accepts a subject whose methods are those of a class', () => {
  class Subject {
    readonly name = 'my';
    create = create;
    start() {
      return start();
    }
  }
  expect(() => runnerContract(framework, new Subject())).not.toThrow();
});
