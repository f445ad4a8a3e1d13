import '../util/environment/node-version.ts';

export { type CanonicalHistoriesOptions, canonicalHistories } from './canonical-histories.ts';
export {
  type OptionalFeature,
  type RecorderSubject,
  recorderContract,
  type TestRunner,
} from './recorder-contract/recorder-contract.ts';
