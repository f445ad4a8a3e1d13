import '../util/environment/node-version.ts';

export { canonicalHistories } from './canonical-histories.ts';
export {
  type RecorderSubject,
  recorderContract,
  type TestRunner,
} from './recorder-contract/recorder-contract.ts';
