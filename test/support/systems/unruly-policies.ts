import { inspect } from 'node:util';
import { parentPort } from 'node:worker_threads';
import {
  Aggregate,
  Application,
  type DomainEvent,
  type PolicyRepository,
  ProcessApplication,
  System,
} from 'kahn';

export type Deed = keyof typeof deeds;
type AskedEvent = DomainEvent<'Asked', { deed: Deed }>;
type DoneEvent = DomainEvent<'Done'>;

class Request extends Aggregate<AskedEvent> {
  static ask(deed: Deed) {
    return Request.create('Asked', { deed }, deed);
  }
}

class Work extends Aggregate<DoneEvent> {}

function raise(): never {
  throw new Error('not now');
}

function fling(value: unknown): never {
  throw value;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** Messages that are none of kahn, or have the shape of one. */
const foreign = [
  null,
  undefined,
  7,
  'close',
  {},
  { kind: 'failed' },
  { kind: 'closed' },
  { kind: 'report' },
  { kind: 'taken' },
];

/** What a policy does. Those that throw are named by what they throw. */
const deeds = {
  'a revoked proxy': () => {
    fling(revoked());
  },
  'an error whose message throws': () => {
    throw Object.defineProperty(new Error(), 'message', { get: raise });
  },
  'an error whose cause cannot be shown': () => {
    throw new RangeError('far', { cause: revoked() });
  },
  'a value that throws when it is shown': () => {
    fling({ [inspect.custom]: raise });
  },
  undefined: () => {
    fling(undefined);
  },
  'an error for an aggregate that is not returned': () => {
    Work.create('Done', null);
  },
  'an error for a get that is not awaited': (repository) => {
    void repository.get(Work, 'none');
  },
  'an attempt that fails': async (repository) => {
    const attempt = repository.attempt(() => {
      Work.create('Done', null);
      throw new Error('undo');
    });
    await attempt.catch(() => {});
  },
  'foreign messages': () => {
    for (const message of foreign) {
      parentPort?.postMessage(message);
      if (message !== undefined && isOwnProcess()) process.send?.(message);
    }
  },
} as const satisfies Readonly<
  Record<string, (repository: PolicyRepository<DoneEvent>) => void | Promise<void>>
>;

/** Whether kahn has started this process. */
function isOwnProcess(): boolean {
  return process.title.startsWith('kahn ');
}

export class Requests extends Application<AskedEvent> {
  static readonly applicationName = 'requests';
  static readonly emits = ['Asked'] as const;

  async ask(deed: Deed): Promise<void> {
    await this.save(Request.ask(deed));
  }
}

export class Works extends ProcessApplication<DoneEvent, AskedEvent> {
  static readonly applicationName = 'works';
  static readonly emits = ['Done'] as const;
  override readonly policy = this.when({
    Asked: async ({ data }, repository) => {
      await deeds[data.deed](repository);
      return Work.create('Done', null, repository.deriveId());
    },
  });
}

/** Works whose policy does what the request asks for: throws values that cannot be shown, loses changes, or sends messages. */
export const unruly = System.of([[Requests, Works]], { module: import.meta.url });
