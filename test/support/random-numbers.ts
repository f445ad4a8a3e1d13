export { randomNumbers } from '../../src/testing/schedules/random-numbers.ts';
