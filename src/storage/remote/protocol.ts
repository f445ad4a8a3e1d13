import type { StoredNotification } from '../stored-event.ts';

/** Version of the documents below. A reader refuses other versions. */
export const protocolVersion = 1;

/** Where a log ends. Served at `/<application>/<pipeline>`. */
export interface LogDocument {
  readonly version: typeof protocolVersion;
  /** Name of the system. */
  readonly system: string;
  readonly applicationName: string;
  readonly pipelineId: number;
  /** Number of notifications in a full section. */
  readonly sectionSize: number;
  /** Id of the last notification; 0 if there is none. */
  readonly head: number;
}

/** A section of a log. Served at `/<application>/<pipeline>/sections/<id>`. */
export interface SectionDocument extends Omit<LogDocument, 'head'> {
  readonly id: string;
  /** Id of the previous section; missing for the first section. */
  readonly previousId?: string;
  /** Id of the next section; missing until this section is full. */
  readonly nextId?: string;
  /** The notifications of the section, or those after the id in the query parameter `after`. */
  readonly items: readonly StoredNotification[];
  /** Whether notifications of the section are left out at the end, because of their size: ask for those after the last one. */
  readonly isCut?: true;
}

/** Why a request is refused. */
export interface ErrorDocument {
  readonly error: { readonly code: string; readonly message: string };
}
