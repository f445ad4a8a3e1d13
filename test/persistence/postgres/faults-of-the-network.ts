import type { Fate } from '../../support/postgres-proxy.ts';
import { until } from '../../support/until.ts';
import { type Fault, times } from './fault.ts';

const cuts = 25;

/** Every fifth statement that records meets its fate. */
function cutting(name: string, fate: Fate): Fault {
  return {
    name,
    async harm(load, scene) {
      let count = 0;
      let met = 0;
      scene.fate = () => {
        count += 1;
        if (count % 5 !== 0 || met === cuts) return 'pass';
        met += 1;
        return fate;
      };
      await until('all is cut', () => met === cuts);
      await load.goesOn();
      return met;
    },
  };
}

/** Each statement that records may meet any fate. */
function cuttingAtRandom(random: () => number): Fault {
  return {
    name: 'network cut at random',
    async harm(load, scene) {
      let met = 0;
      scene.fate = () => {
        const chance = random();
        if (met === cuts || chance > 0.4) return 'pass';
        met += 1;
        if (chance > 0.3) scene.proxy.cut();
        return chance > 0.15 ? 'cut before' : 'cut after';
      };
      await until('all is cut', () => met === cuts);
      await load.goesOn();
      return met;
    },
  };
}

const silence: Fault = {
  name: 'network silent, and back with what it held',
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

/** What may happen between the shop and the server. */
export function faultsOfTheNetwork(random: () => number): readonly Fault[] {
  return [
    cutting('network cut before the statement arrives', 'cut before'),
    cutting('network cut before the answer arrives', 'cut after'),
    cuttingAtRandom(random),
    silence,
  ];
}

const shortStop: Fault = {
  name: 'server stopped at once and started again',
  harm: (load, { server }) =>
    times(2, async () => {
      await load.goesOn();
      await server.stopImmediately();
      await server.startAgain();
      await load.goesOn();
    }),
};

const longStop: Fault = {
  name: 'server away for longer than it is tried again',
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

/** What may happen to the server. */
export const faultsOfTheServer: readonly Fault[] = [shortStop, longStop];
