import { inspect } from 'node:util';
import { defineResources, ResourceError } from 'kahn';
import { expect, test } from 'vitest';
import { openResources } from '../../../src/application/resources/open-resources.ts';
import { rejectionOf } from '../../support/errors.ts';

/** Resources that note what happens to them. */
function noted() {
  const events: string[] = [];
  const disposable = (name: string) => ({
    name,
    [Symbol.dispose]: () => void events.push(`dispose ${name}`),
  });
  return { events, disposable };
}

test('opens resources one after the other in the order of definition, and closes them in reverse order', async () => {
  const { events, disposable } = noted();
  const resources = defineResources({
    file: () => disposable('file'),
    client: async ({ onClose }) => {
      events.push('client begins');
      await new Promise((resolve) => setTimeout(resolve, 5));
      onClose(() => void events.push('close client'));
      onClose(async () => void events.push('flush client'));
      return { name: 'client', [Symbol.asyncDispose]: async () => void events.push('dispose client') };
    },
  }).and({
    list: ({ resources }) => {
      events.push(`list begins after ${Object.keys(resources).join(' and ')}`);
      return [resources.file.name, resources.client.name];
    },
    last: () => ({ [Symbol.asyncDispose]: async () => void events.push('dispose last') }),
  });
  expect(resources.names).toEqual(['file', 'client', 'list', 'last']);
  const opened = await openResources(resources);
  expect(opened.values).toMatchObject({ file: { name: 'file' }, list: ['file', 'client'] });
  expect(events).toEqual(['client begins', 'list begins after file and client']);
  await opened[Symbol.asyncDispose]();
  expect(events.slice(2)).toEqual(['dispose last', 'flush client', 'close client', 'dispose file']);
});

test('a resource that fails to open is named, and those before it are closed', async () => {
  const { events, disposable } = noted();
  const cause = new Error('no route to host');
  const resources = defineResources({
    file: () => disposable('file'),
    mail: ({ onClose }) => {
      onClose(() => void events.push('close the socket'));
      throw cause;
    },
    never: () => events.push('opened'),
  });
  const error = await rejectionOf(openResources(resources), ResourceError);
  expect(error).toMatchObject({ code: 'RESOURCE_FAILED', resourceName: 'mail', cause });
  expect(error.message).toBe("Resource 'mail' cannot be opened: no route to host");
  expect(events).toEqual(['close the socket', 'dispose file']);
});

test('each resource is closed, even if another one fails to close, and the error names it', async () => {
  const { events, disposable } = noted();
  const resources = defineResources({
    file: () => disposable('file'),
    mail: ({ onClose }) => onClose(() => Promise.reject(new Error('quit failed'))),
    last: () => disposable('last'),
  });
  const opened = await openResources(resources);
  const error = await rejectionOf((async () => opened[Symbol.asyncDispose]())(), ResourceError);
  expect(error.message).toBe("Resource 'mail' cannot be closed: quit failed");
  expect(events).toEqual(['dispose last', 'dispose file']);
});

test('a resource that takes too long to close is left, and those before it are closed', async () => {
  const { events, disposable } = noted();
  const resources = defineResources({
    file: () => disposable('file'),
    mail: ({ onClose }) => onClose(() => new Promise(() => {})),
  });
  const opened = await openResources(resources, { closeTimeoutMs: 20 });
  const error = await rejectionOf((async () => opened[Symbol.asyncDispose]())(), ResourceError);
  expect(error.message).toBe("Resource 'mail' cannot be closed: it took longer than 0.02 s");
  expect(events).toEqual(['dispose file']);
});

test('the signal ends the opening at once; a resource that opens later is closed', async () => {
  const { events, disposable } = noted();
  const late = Promise.withResolvers<void>();
  const abort = new AbortController();
  const resources = defineResources({
    file: () => disposable('file'),
    slow: async ({ signal }) => {
      signal.addEventListener('abort', () => events.push('aborted'));
      await late.promise;
      return disposable('slow');
    },
    never: () => events.push('opened'),
  });
  const opening = openResources(resources, { signal: abort.signal });
  const reason = new Error('no time');
  await new Promise(setImmediate);
  abort.abort(reason);
  await expect(opening).rejects.toBe(reason);
  expect(events).toEqual(['aborted', 'dispose file']);
  late.resolve();
  await new Promise(setImmediate);
  expect(events).toEqual(['aborted', 'dispose file', 'dispose slow']);
});

test('replaced resources are neither opened nor closed, and others get them', async () => {
  const { events, disposable } = noted();
  const resources = defineResources({ mail: () => disposable('mail') }).and({
    letters: ({ resources }) => `letters by ${resources.mail.name}`,
  });
  const replaced = { mail: disposable('fake') };
  const opened = await openResources(resources, { replaced });
  expect(opened.values).toMatchObject({ mail: replaced.mail, letters: 'letters by fake' });
  await opened[Symbol.asyncDispose]();
  expect(events).toEqual([]);
});

test('a replaced resource that is not defined is refused, with the nearest name', async () => {
  const resources = defineResources({ rates: () => 1, mail: () => events.push('opened') });
  const { events } = noted();
  await expect(openResources(resources, { replaced: { mial: 'secret' } })).rejects.toThrow(
    "Unknown resource 'mial' in option 'resources'. Did you mean 'mail'? The system defines: rates, mail.",
  );
  await expect(openResources(undefined, { replaced: { mail: 1 } })).rejects.toThrow(
    'The system defines none.',
  );
  expect(events).toEqual([]);
});

test('open resources cannot be changed, and print their names alone', async () => {
  const { values } = await openResources(defineResources({ url: () => 'smtp://user:secret@mail.example' }));
  expect(inspect({ context: { resources: values } }, { depth: 9 })).toBe(
    '{ context: { resources: Resources { url } } }',
  );
  expect(() => Object.assign(values, { url: '' })).toThrow(TypeError);
  expect(() => Object.assign(values, { other: '' })).toThrow(TypeError);
});

test('definitions that are no functions, or have the name of another one, are refused', () => {
  const define = defineResources as (definitions: unknown) => unknown;
  expect(() => define({ mail: 'smtp' })).toThrow(
    "Expected the definition of resource 'mail' to be a function, got a string.",
  );
  expect(() => define([])).toThrow(
    'by name, as in defineResources({ mail: () => connect() }), got an array.',
  );
  expect(() => defineResources({ mail: () => 1 }).and({ mail: () => 2 })).toThrow(
    "Resource 'mail' is defined twice: give one of them another name.",
  );
});
