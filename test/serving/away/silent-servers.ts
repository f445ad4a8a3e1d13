import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the servers do not answer. */
export type Silence = 'nothing' | 'heads' | 'sections' | 'the end of a section';

/** The servers of many systems, each with a sale in its log. They do not answer some requests. */
export class SilentServers {
  /** Number of requests without an answer, by system. */
  readonly held = new Map<string, number>();
  #silence: Silence = 'nothing';
  readonly url: string;

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** @param closeAfter Calls a function when the servers are needed no more. */
  static async listen(closeAfter: (close: () => void) => void): Promise<SilentServers> {
    const server = createServer(({ url = '' }, response) => servers.#answer(url, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const servers = new SilentServers((server.address() as AddressInfo).port);
    closeAfter(() => {
      server.closeAllConnections();
      server.close();
    });
    return servers;
  }

  /** Counts the requests without an answer anew. */
  set silence(silence: Silence) {
    this.#silence = silence;
    this.held.clear();
  }

  #answer(path: string, response: ServerResponse): void {
    const silence = this.#silence;
    const [, system = ''] = path.split('/');
    const hold = () => void this.held.set(system, (this.held.get(system) ?? 0) + 1);
    const log = { version: 1, system, applicationName: 'sales', pipelineId: 0, sectionSize: 5 };
    const isSection = path.includes('/sections/');
    if (path.includes('waitMs')) return; // until the connection is closed
    if (silence === (isSection ? 'sections' : 'heads')) {
      hold();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    if (!isSection) {
      response.end(JSON.stringify({ ...log, head: 1 }));
      return;
    }
    const [, after = '0'] = /after=(\d+)/.exec(path) ?? [];
    const sale = { originatorId: `sale of ${system}`, originatorVersion: 1, timestamp: 0 };
    const item = { id: 1, ...sale, type: 'Sale.Made', data: '{"amount":1}' };
    const section = JSON.stringify({ ...log, id: '1,5', items: after === '0' ? [item] : [] });
    if (silence !== 'the end of a section') {
      response.end(section);
      return;
    }
    hold();
    response.write(section.slice(0, 50));
  }
}
