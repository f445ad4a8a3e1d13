import { Aggregate, Application, type DomainEvent, PolicyError, ProcessApplication } from 'kahn';
import { expect, test } from 'vitest';
import { refusingStorages } from '../../support/refusing-storage.ts';

type NoteEvent = DomainEvent<'Note.Written', { text: string }>;
type CopyEvent = DomainEvent<'Copy.Made', { text: string }>;

class Note extends Aggregate<NoteEvent> {}
class Copy extends Aggregate<CopyEvent> {
  static override readonly snapshotEvery = 1;
  text = '';

  protected override apply({ data }: CopyEvent): void {
    this.text = data.text.replace('state:', 'state ');
  }
}

class Notes extends Application<NoteEvent> {
  static readonly applicationName = 'notes';
  static readonly emits = ['Note.Written'] as const;
}

class Copies extends ProcessApplication<CopyEvent, NoteEvent> {
  static readonly applicationName = 'copies';
  static readonly emits = ['Copy.Made'] as const;

  override readonly policy = this.when({
    'Note.Written': ({ data: { text } }, repository) =>
      Copy.create('Copy.Made', { text }, text === 'long id' ? 'i'.repeat(2_000) : repository.deriveId()),
  });
}

const cases = refusingStorages.flatMap(({ name, create }) =>
  ['long id', 'event refused', 'state:refused'].map((guilty) => ({ name, create, guilty })),
);

test.for(cases)(
  'keeps what precedes a refused effect in its batch, and names its cause: $name, $guilty',
  async (one) => {
    const { storage, refuse, refuses } = one.create();
    if (!refuses && one.guilty !== 'long id') return;
    await using notes = await Notes.open({ storage });
    await using copies = await Copies.open({ storage });
    await refuse('copies');
    for (const text of ['1', '2', '3', one.guilty, '5', '6'])
      await notes.save(Note.create('Note.Written', { text }));

    copies.follow(notes.log);
    const error = await copies.run().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PolicyError);
    const code = one.guilty === 'long id' ? 'LIMIT_EXCEEDED' : 'STORAGE_REFUSED';
    expect(error).toMatchObject({ notificationId: 4, upstreamName: 'notes', cause: { code } });
    const texts = (await copies.log.select(0, 10)).map(({ data }) => JSON.parse(data).text);
    expect(texts).toEqual(['1', '2', '3']);
  },
);
