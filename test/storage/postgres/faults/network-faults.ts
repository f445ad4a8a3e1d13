import type { Fate } from '../../../support/servers/postgres-proxy.ts';
import { until } from '../../../support/until.ts';
import { type Fault, type Scene, times } from './fault.ts';

const cuts = 24;

/** Acts randomly on statements that record, until enough of them were cut. */
function cutting(name: string, roll: (scene: Scene) => Fate): Fault {
  return {
    name,
    async harm(load, scene) {
      let met = 0;
      scene.fate = () => {
        const fate = met < cuts ? roll(scene) : 'pass';
        if (fate !== 'pass') met += 1;
        return fate;
      };
      await until('all is cut', () => met === cuts);
      await load.goesOn();
      return met;
    },
  };
}

const silence: Fault = {
  name: 'network silent, then delivers what it held',
  options: () => ({ statementTimeoutMs: 100, connectionTimeoutMs: 500 }),
  async harm(load, { proxy }) {
    await load.goesOn();
    proxy.silence();
    const { accepted } = proxy;
    await until('new connections are tried', () => proxy.accepted >= accepted + 2);
    proxy.release();
    await load.goesOn();
    return 1;
  },
};

/** Faults between the shop and the server. */
export function faultsOfTheNetwork(random: () => number): readonly Fault[] {
  return [
    cutting('network cut before the statement arrives', () => (random() < 0.25 ? 'cut before' : 'pass')),
    cutting('network cut before the answer arrives', () => (random() < 0.25 ? 'cut after' : 'pass')),
    cutting('network cut at random', ({ proxy }) => {
      const chance = random();
      if (chance < 0.1) proxy.cut();
      if (chance < 0.2) return 'cut before';
      return chance < 0.3 ? 'cut after' : 'pass';
    }),
    silence,
  ];
}

const shortStop: Fault = {
  name: 'server stopped immediately, then started',
  harm: (load, { server }) =>
    times(2, async () => {
      await load.goesOn();
      await server.stopImmediately();
      await server.startAgain();
      await load.goesOn();
    }),
};

const longStop: Fault = {
  name: 'server unreachable for longer than calls are retried',
  options: () => ({ retryTimeoutMs: 200 }),
  async harm(load, { server }) {
    await load.goesOn();
    await server.stopImmediately();
    await load.fails('STORAGE_UNREACHABLE').finally(() => server.startAgain());
    await load.goesOn();
    return 1;
  },
  surfaces: ['STORAGE_UNREACHABLE'],
  perhaps: ['STORAGE_OUTCOME_UNKNOWN', 'STORAGE_BUSY'],
};

/** Faults of the server. */
export const faultsOfTheServer: readonly Fault[] = [shortStop, longStop];
