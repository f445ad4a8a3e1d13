import { randomBytes } from 'node:crypto';
import {
  Aggregate,
  Application,
  type DomainEvent,
  defineEvents,
  type EventsOf,
  event,
  explain,
  type Personal,
  ProcessApplication,
  run,
  SteppingSingleThreadedRunner,
  System,
  shred,
  verify,
} from 'kahn';
import { remote, type SectionDocument, serveLogs } from 'kahn/http';
import { expect, onTestFinished, test } from 'vitest';
import { type Contact, Subscribers } from '../support/personal/letters.ts';
import { temporarySqlite } from '../support/storages.ts';
import { until } from '../support/until.ts';
import { TestServer } from './test-server.ts';
import { Billing, Sale, Sales } from './two-systems.ts';

const token = 'a-token-of-the-test';
const headers = { authorization: `Bearer ${token}` };

async function served(url: string, path: string) {
  const answer = await fetch(`${url}${path}`, { headers });
  return { etag: answer.headers.get('etag'), body: (await answer.json()) as SectionDocument };
}

type NoteEvent = DomainEvent<'Note.Taken', { text: string }>;
class Note extends Aggregate<NoteEvent> {}

test('an encrypted system serves plain text, and personal data in sealed form only', async () => {
  type JoinedEvent = DomainEvent<'Subscriber.Joined', { contact: Personal<Contact> }>;
  class Notes extends ProcessApplication<NoteEvent, JoinedEvent> {
    static readonly applicationName = 'notes';
    static readonly emits = ['Note.Taken'] as const;
    override readonly policy = this.when({
      'Subscriber.Joined': ({ data: { contact } }, repository) => {
        const { name } = contact.or({ name: 'no name', email: '' });
        return Note.create('Note.Taken', { text: `${contact.subject}: ${name}` }, repository.deriveId());
      },
    });
  }
  const keys = { one: randomBytes(32) };
  const lists = System.of([[Subscribers]], {
    name: 'lists',
    encryption: { keys: () => ({ current: 'one', keys }), acceptPlainText: false },
  });
  const storage = temporarySqlite();
  await using runner = await run(lists, { storage });
  await runner.get(Subscribers).join('subject-1', { name: 'Ada L.', email: 'ada@mail.example' });
  await runner.get(Subscribers).join('subject-2', { name: 'Bo M.', email: 'bo@mail.example' });
  const server = await TestServer.listen();
  server.handler = serveLogs(runner, { applications: [Subscribers], authorize: token });

  const before = JSON.stringify(await served(server.url, '/subscribers/0/sections/1,20'));
  expect(before).toContain('subject-1'); // plain text, which the encryption of the storage does not hide
  for (const secret of ['Ada L.', 'mail.example']) expect(before).not.toContain(secret);

  await shred(storage, lists, 'subject-1', { by: 'support', reason: 'erasure request 17' });
  expect(JSON.stringify(await served(server.url, '/subscribers/0/sections/1,20'))).toBe(before);
  const office = System.of([[remote(Subscribers, { system: 'lists', url: server.url, headers }), Notes]]);
  await using noting = await run(office, { pollIntervalMs: 20 });
  await until('both are noted', async () => (await noting.get(Notes).log.head()) === 2);
  const [note] = await noting.get(Notes).reader().read();
  expect(note?.event.data.text).toBe('subject-1: no name');
});

const parcelEvents = defineEvents({
  'Parcel.Sent': event<{ pounds: number }>().upcast(({ pounds }) => ({ grams: pounds * 454 })),
});
type ParcelEvent = EventsOf<typeof parcelEvents>;
class OldParcel extends Aggregate<DomainEvent<'Parcel.Sent', { pounds: number }>> {}
class Parcel extends Aggregate<ParcelEvent> {}

/** The parcels, as released first. */
class OldParcels extends Application<DomainEvent<'Parcel.Sent', { pounds: number }>> {
  static readonly applicationName = 'parcels';
  static readonly emits = ['Parcel.Sent'] as const;
}

/** The parcels, as released later under another name and with another version of their event. */
class Shipments extends Application<ParcelEvent> {
  static readonly applicationName = 'shipments';
  static readonly recordedAs = 'parcels';
  static readonly emits = parcelEvents;
}

test('a follower continues when the other system renames its application and changes its events', async () => {
  class Notes extends ProcessApplication<NoteEvent, ParcelEvent> {
    static readonly applicationName = 'notes';
    static readonly emits = ['Note.Taken'] as const;
    override readonly policy = this.when({
      'Parcel.Sent': ({ data: { grams } }, repository) =>
        Note.create('Note.Taken', { text: `${grams} g` }, repository.deriveId()),
    });
  }
  class EarlyNotes extends ProcessApplication<NoteEvent, DomainEvent<'Parcel.Sent', { pounds: number }>> {
    static readonly applicationName = 'notes';
    static readonly emits = ['Note.Taken'] as const;
    override readonly policy = this.when({
      'Parcel.Sent': ({ data: { pounds } }, repository) =>
        Note.create('Note.Taken', { text: `${pounds} lb` }, repository.deriveId()),
    });
  }
  const server = await TestServer.listen();
  const { url } = server;
  const [storage, storageOfNotes] = [temporarySqlite(), temporarySqlite()];
  const other = { system: 'post', url, headers };
  {
    await using sending = await run(System.of([[OldParcels]], { name: 'post' }), { storage });
    await sending.get(OldParcels).save(OldParcel.create('Parcel.Sent', { pounds: 1 }));
    server.handler = serveLogs(sending, { applications: [OldParcels], authorize: token });
    await using noting = await run(System.of([[remote(OldParcels, other), EarlyNotes]]), {
      storage: storageOfNotes,
      pollIntervalMs: 20,
    });
    await until('it is noted', async () => (await noting.get(EarlyNotes).log.head()) === 1);
    await sending.get(OldParcels).save(OldParcel.create('Parcel.Sent', { pounds: 2 }));
    server.handler = undefined;
  }
  await using sending = await run(System.of([[Shipments]], { name: 'post' }), { storage });
  server.handler = serveLogs(sending, { applications: [Shipments], authorize: token });
  await sending.get(Shipments).save(Parcel.create('Parcel.Sent', { grams: 3 }));
  const office = System.of([[remote(Shipments, other), Notes]]);
  await using noting = await run(office, { storage: storageOfNotes, pollIntervalMs: 20 });
  await until('all are noted', async () => (await noting.get(Notes).log.head()) === 3);
  const texts: string[] = [];
  for await (const one of noting.get(Notes).reader()) texts.push(one.event.data.text);
  expect(texts.toSorted()).toEqual(expect.arrayContaining(['1 lb', '3 g']));
  expect((await verify(storageOfNotes, office)).faults).toEqual([]);
  const { causes } = await explain(noting, Notes, 3);
  expect(causes.map(({ applicationName, type }) => [applicationName, type])).toEqual([
    ['shipments@post', 'Parcel.Sent@2'],
  ]);
});

test('two runners serve the same log alike, and a follower changes between them', async () => {
  const storage = temporarySqlite();
  const shop = System.of([[Sales]], { name: 'shop' });
  await using first = await run(shop.bind(storage));
  await using second = await run(shop.bind(storage));
  const servers = [await TestServer.listen(), await TestServer.listen(), await TestServer.listen()] as const;
  const handlers = [first, second].map((one) => serveLogs(one, { applications: [Sales], authorize: token }));
  servers[0].handler = handlers[0];
  servers[1].handler = handlers[1];
  let asked = 0;
  servers[2].handler = (request) => handlers[asked++ % 2]!(request); // as behind a load balancer
  for (let amount = 0; amount < 12; amount += 1)
    await [first, second][amount % 2]!.get(Sales).save(Sale.make(amount));
  for (const id of ['1,5', '6,10']) {
    const [one, other] = [
      await served(servers[0].url, `/sales/0/sections/${id}`),
      await served(servers[1].url, `/sales/0/sections/${id}`),
    ];
    expect(one.etag).toMatch(/^"/);
    expect(other).toEqual(one);
  }
  const office = System.of([[remote(Sales, { system: 'shop', url: servers[2].url, headers }), Billing]]);
  await using billing = await run(office, { pollIntervalMs: 20 });
  for (let amount = 12; amount < 30; amount += 1)
    await [first, second][amount % 2]!.get(Sales).save(Sale.make(amount));
  await until('all are billed', async () => (await billing.get(Billing).log.head()) === 30);
  const amounts: number[] = [];
  for await (const one of billing.get(Billing).reader()) amounts.push(one.event.data.amount);
  expect(amounts).toEqual(Array.from({ length: 30 }, (_, amount) => amount));
});

test('a stepping runner follows the log of another system, and does not start while its server is away', async () => {
  const server = await TestServer.listen();
  const shop = await run(System.of([[Sales]], { name: 'shop' }));
  onTestFinished(() => shop.close());
  for (let amount = 0; amount < 7; amount += 1) await shop.get(Sales).save(Sale.make(amount));
  const office = System.of([[remote(Sales, { system: 'shop', url: server.url, headers }), Billing]]);
  await expect(SteppingSingleThreadedRunner.start(office)).rejects.toThrow(`${server.url}/sales`);
  server.handler = serveLogs(shop, { applications: [Sales], authorize: token });
  await using stepping = await SteppingSingleThreadedRunner.start(office);
  await until('all are billed', async () => (await stepping.get(Billing).log.head()) === 7);
});
