// Runs one of two systems in a process of its own, which is asked by messages.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Personal, PersonalUnreadableError, run, type StorageDescription, shred } from 'kahn';
import { nodeListener, serveLogs } from 'kahn/http';
import type { Contact } from '../../support/personal/letters.ts';
import { Cards, lists, Notes, officeFollowing, Subscribers } from './systems.ts';

const [storageText = '', url] = process.argv.slice(2);
const storage = JSON.parse(storageText) as StorageDescription;

/** Answers a question of the test. */
type Answer = (...given: never[]) => unknown;

async function runLists(): Promise<Record<string, Answer>> {
  const runner = await run(lists, { storage });
  const handler = serveLogs(runner, { applications: [Subscribers], authorize: () => true });
  const server = createServer(nodeListener(handler)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: () => (server.address() as AddressInfo).port,
    join: async (subject: string, contact: Contact) => {
      await runner.get(Subscribers).join(subject, contact);
    },
    shred: (subject: string) => shred(storage, lists, subject, { by: 'support', reason: 'erasure' }),
  };
}

async function runOffice(otherUrl: string): Promise<Record<string, Answer>> {
  const office = officeFollowing(otherUrl);
  const runner = await run(office, { storage, pollIntervalMs: 20 });
  return {
    cards: async () => {
      const names: string[] = [];
      for await (const { event } of runner.get(Cards).reader()) names.push(nameIn(event.data.contact));
      return names;
    },
    notes: async () => {
      const texts: string[] = [];
      for await (const { event } of runner.get(Notes).reader()) texts.push(event.data.text);
      return texts;
    },
    failure: async () => {
      const status = await runner.status();
      const { state, lastError } = status.find(({ applicationName }) => applicationName === 'notes')!;
      return state === 'failed' ? codesOf(lastError) : undefined;
    },
    shred: (subject: string) => shred(storage, office, subject, { by: 'support', reason: 'erasure' }),
  };
}

/** Returns the name in a contact as this process reads it. */
function nameIn(contact: Personal<Contact>): string {
  try {
    return contact.or({ name: 'nobody', email: '' }).name;
  } catch (error) {
    if (error instanceof PersonalUnreadableError) return error.code;
    throw error;
  }
}

function codesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [];
  return [(error as { code?: string }).code ?? error.name, ...codesOf(error.cause)];
}

const answers = url === undefined ? await runLists() : await runOffice(url);
process.on('message', async ({ question, given }: { question: string; given: never[] }) => {
  process.send?.({ answer: await answers[question]?.(...given) });
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
