export { randomNumbers } from '../../src/testing/faults/random-numbers.ts';
