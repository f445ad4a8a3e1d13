import { memory, type System } from 'kahn';
import { equivalent, NotEquivalentError, type Scenario } from 'kahn/testing';
import { expect, test } from 'vitest';
import { temporarySqlite } from '../../support/storages.ts';
import { countingShop, mailingShop, randomShop } from '../scenarios/planted-bugs.ts';
import { listedOrders, listOrders, placeOrders } from '../scenarios/scenarios.ts';

const inMemory = { storages: { memory: () => memory() } };

test('says why runners and storages are left out', async () => {
  const { ran, unavailable } = await equivalent(listedOrders as System, listOrders as Scenario);
  expect(ran).toEqual(
    ['SingleThreadedRunner', 'SteppingSingleThreadedRunner'].flatMap((name) => [
      `${name} on memory`,
      `${name} on SQLite`,
    ]),
  );
  expect(unavailable['MultiThreadedRunner on SQLite']).toContain('no module');
  expect(unavailable['SingleThreadedRunner on PostgreSQL']).toMatch(/connectionString|postgres/);
});

test('finds a policy that depends on chance', async () => {
  const checked = equivalent(randomShop, placeOrders, inMemory);
  await expect(checked).rejects.toThrow(NotEquivalentError);
  await expect(checked).rejects.toMatchObject({
    runs: ['the first run of SingleThreadedRunner on memory', 'the second run'],
    difference: expect.stringMatching(/^ {2}tickets id\n- {3}Ticket.Printed .*\n\+ {3}Ticket.Printed /),
  });
});

test('finds state that outlives a runner, by what the scenario returns', async () => {
  const sent: string[] = [];
  const runnerOptions = { resources: { mailer: { send: (customer: string) => void sent.push(customer) } } };
  const checked = equivalent(
    mailingShop,
    async (runner) => {
      await placeOrders(runner);
      return sent;
    },
    { ...inMemory, runnerOptions },
  );
  await expect(checked).rejects.toThrow("'cy',");
});

test('runs other runners, and names the run that fails', async () => {
  const broken = new Error('broken start');
  const options = {
    storages: { SQLite: () => temporarySqlite() },
    otherRunners: { Broken: () => Promise.reject(broken) },
  };
  await expect(equivalent(countingShop, placeOrders, options)).rejects.toMatchObject({
    run: 'Broken on SQLite',
    cause: broken,
  });
});
