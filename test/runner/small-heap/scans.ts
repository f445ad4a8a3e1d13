import { Aggregate, Application, type DomainEvent, nameId, ProcessApplication, System } from 'kahn';

type ScanEvent = DomainEvent<'Scan.Made', { pixels: string }> | DomainEvent<'Stamp.Made', { copyId: string }>;
type EntryEvent = DomainEvent<'Entry.Made', { scanId: string; length: number }>;
type CopyEvent =
  | DomainEvent<'Copy.Made', { pixels: string }>
  | DomainEvent<'Copy.Stamped', Record<string, never>>;

export class Scan extends Aggregate<ScanEvent> {
  static make(length: number): Scan {
    return Scan.create('Scan.Made', { pixels: 'p'.repeat(length) });
  }
}

export class Stamp extends Aggregate<ScanEvent> {
  static make(copyId: string): Stamp {
    return Stamp.create('Stamp.Made', { copyId });
  }
}

class Entry extends Aggregate<EntryEvent> {}

/** Id of the copy of a scan. */
export function copyIdOf(scanId: string): string {
  return nameId('copy', scanId);
}

class Copy extends Aggregate<CopyEvent> {
  stamp(): void {
    this.trigger('Copy.Stamped', {});
  }
}

/** Records large events. */
export class Scans extends Application<ScanEvent> {
  static readonly applicationName = 'scans';
  static readonly emits = ['Scan.Made', 'Stamp.Made'] as const;
}

/** Makes a small event for each large one. */
export class Index extends ProcessApplication<EntryEvent, ScanEvent> {
  static readonly applicationName = 'index';
  static readonly emits = ['Entry.Made'] as const;
  override readonly policy = this.when({
    'Scan.Made': ({ originatorId, data }, repository) =>
      Entry.create('Entry.Made', { scanId: originatorId, length: data.pixels.length }, repository.deriveId()),
  });
}

/** Makes a large event for each small one, and loads aggregates with large events. */
export class Copies extends ProcessApplication<CopyEvent, EntryEvent | ScanEvent> {
  static readonly applicationName = 'copies';
  static readonly emits = ['Copy.Made', 'Copy.Stamped'] as const;
  override readonly policy = this.when({
    'Entry.Made': ({ data: { scanId, length } }) =>
      Copy.create('Copy.Made', { pixels: 'c'.repeat(length) }, copyIdOf(scanId)),
    'Stamp.Made': async ({ data: { copyId } }, repository) => (await repository.get(Copy, copyId)).stamp(),
  });
}

export const scanning = System.of(
  [
    [Scans, Index, Copies],
    [Scans, Copies],
  ],
  { module: import.meta.url, name: 'scanning' },
);
